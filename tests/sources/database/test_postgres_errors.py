"""What PostgreSQL refuses, lacks or cannot do is told: what is wrong, who mends it, and no password."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from dataflow.errors import ContractError, FatalError, TransientError
from kit.ingest import ingest_source
from kit.postgres_source import Server

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            "select idd from things",
            r"the query of orders: PostgreSQL refuses this: column \"idd\" does not exist; .*id",
        ),
        ("select 1/(id-1) as x from things", "division by zero"),
        ("select id, id from things", "two columns are named id"),
        ("delete from things returning id", "PostgreSQL refuses this"),
        ("select * from things; drop table things", "PostgreSQL refuses this"),
        ("with gone as (delete from things returning id) select * from gone", "PostgreSQL refuses this"),
    ],
)
def test_a_query_that_the_server_refuses_is_told(tmp_path: Path, server: Server, query: str, said: str) -> None:
    server.run("create table things as select 1 as id")

    with pytest.raises(ContractError, match=said):
        ingest_source(tmp_path, server.source(query=query))

    server.run("insert into things values (2)")


def test_nothing_can_be_written(tmp_path: Path, server: Server) -> None:
    server.run("create sequence numbers")

    with pytest.raises(ContractError, match="read-only"):
        ingest_source(tmp_path, server.source(query="select nextval('numbers') as n"))


def test_a_missing_table_is_told_with_those_that_are_like_it(tmp_path: Path, server: Server) -> None:
    server.run("create table customers (id int)")

    with pytest.raises(ContractError, match=r"there is no table custmers; did you mean test_\w+\.customers\?"):
        ingest_source(tmp_path, server.source(table="custmers"))
    with pytest.raises(ContractError, match=r"there is no table nix\.customers; did you mean test_\w+\.customers\?"):
        ingest_source(tmp_path, server.source(table="nix.customers"))


def test_a_missing_column_is_told_with_those_that_are_like_it(tmp_path: Path, server: Server) -> None:
    server.run("create table customers (customer_id int, name text)")

    with pytest.raises(ContractError, match=r'customers: no column "custmer_id".*did you mean "customer_id"'):
        ingest_source(tmp_path, server.source(table="customers", columns={"custmer_id": "BIGINT"}))


def test_a_refused_login_is_told_without_the_password(tmp_path: Path, server: Server) -> None:
    url = sa.make_url(server.url).set(username="nobody_here", password="hunter2secret")

    with pytest.raises(FatalError, match=r"refuses the login.*nobody_here") as caught:
        ingest_source(
            tmp_path, {"type": "database", "url": url.render_as_string(hide_password=False), "table": "things"}
        )

    assert "hunter2secret" not in str(caught.value)


def test_a_database_that_is_not_there_is_fatal(tmp_path: Path, server: Server) -> None:
    url = sa.make_url(server.url).set(database="no_such_database")

    with pytest.raises(FatalError, match="refuses the login"):
        ingest_source(tmp_path, {"type": "database", "url": url.render_as_string(), "table": "things"})


def test_a_server_that_is_gone_may_come_back(tmp_path: Path, unused_port: int) -> None:
    with pytest.raises(TransientError, match=r"cannot be reached: .*Connection refused"):
        ingest_source(
            tmp_path,
            {"type": "database", "url": f"postgresql://ada:hunter2secret@127.0.0.1:{unused_port}/x", "table": "t"},
        )


@pytest.mark.parametrize("url", ["not a url", "postgresql://ada:hunter2secret@host:port/x"])
def test_a_url_that_is_none_is_not_shown(tmp_path: Path, url: str) -> None:
    with pytest.raises(FatalError, match=r"sources\.orders\.url holds no URL") as caught:
        ingest_source(tmp_path, {"type": "database", "url": url, "table": "things"})

    assert "hunter2" not in str(caught.value)
    assert url not in str(caught.value)
