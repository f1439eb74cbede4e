"""Databases that DuckDB has no scanner for, through SQLAlchemy: SQLite and PostgreSQL stand for them, renamed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import registry

from dataflow.errors import ContractError, FatalError, TransientError
from dataflow.interval import Interval
from dataflow.sources.database import other
from dataflow.sources.database.address import Address
from dataflow.sources.database.relation import Relation
from kit.databases import postgres_schema
from kit.ingest import ingest_source, landed

registry.register("otherlite", "sqlalchemy.dialects.sqlite.pysqlite", "SQLiteDialect_pysqlite")
registry.register("othergres", "sqlalchemy.dialects.postgresql.psycopg2", "PGDialect_psycopg2")


def database(folder: Path, *statements: str) -> dict[str, Any]:
    with closing(sqlite3.connect(folder / "shop.db")) as opened, opened:
        for statement in statements:
            opened.execute(statement)
    return {"type": "database", "url": f"otherlite:///{folder}/shop.db"}


def test_a_table_is_read_in_batches(tmp_path: Path) -> None:
    source = database(
        tmp_path,
        "create table things (id integer, amount decimal(10,2), changed timestamp)",
        "insert into things with recursive n(i) as (select 1 union all select i + 1 from n where i < 25000) "
        "select i, 1.5, '2025-01-01 00:00:00' from n",
    )

    manifest = ingest_source(tmp_path, {**source, "table": "things"})

    assert [(25_000, 312_512_500, Decimal("37500.0"))] == landed(manifest, "count(*), sum(id), sum(amount)")
    assert "TIMESTAMP" == manifest.data_columns["changed"]


def test_an_incremental_table_gives_the_range_alone(tmp_path: Path) -> None:
    source = database(
        tmp_path,
        "create table things (id integer, changed timestamp)",
        "insert into things values (1, '2025-02-28 23:59:58'), (2, '2025-03-01 00:00:00'), (3, '2025-04-01 00:00:02')",
    )
    march = Interval(datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC))

    manifest = ingest_source(
        tmp_path, {**source, "table": "things", "incremental": {"cursor": "changed"}}, cursor=march
    )

    assert ([(2,)], 0) == (landed(manifest, "id"), manifest.cut_rows)


def test_a_query_is_read_and_its_columns_cast(tmp_path: Path) -> None:
    source = database(tmp_path, "create table things (id integer)", "insert into things values (1), (2)")

    manifest = ingest_source(
        tmp_path,
        {**source, "query": "select id, '12:30' as at from things;", "columns": {"id": "BIGINT", "at": "TIME"}},
    )

    assert ["BIGINT", "TIME"] == list(manifest.data_columns.values())
    assert 2 == manifest.rows


def test_a_query_that_begins_to_write_is_refused_and_not_sent(tmp_path: Path) -> None:
    source = database(tmp_path, "create table things (id integer)", "insert into things values (1)")

    with pytest.raises(FatalError, match="the query of orders begins with no SELECT, WITH or VALUES; a source only"):
        ingest_source(tmp_path, {**source, "query": "replace into things values (2) returning id"})

    with closing(sqlite3.connect(tmp_path / "shop.db")) as opened:
        assert [(1,)] == opened.execute("select id from things").fetchall()


def test_a_query_that_begins_to_read_and_gives_no_rows_is_told(tmp_path: Path) -> None:
    """That it writes only the database can refuse, by a read-only transaction or the login's rights."""
    source = database(tmp_path, "create table things (id integer)")

    with pytest.raises(ContractError, match="the query of orders gives no rows, not even none; a source only reads"):
        ingest_source(tmp_path, {**source, "query": "with x as (select 3) insert into things select * from x"})


@pytest.mark.postgres
def test_a_database_that_can_is_told_to_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As MySQL and MariaDB are; PostgreSQL stands for them."""
    monkeypatch.setitem(other.READ_ONLY, "postgresql", "set session characteristics as transaction read only")
    with postgres_schema() as url:
        given = sa.make_url(url).set(drivername="othergres").render_as_string(hide_password=False)
        source = {"type": "database", "url": given, "query": "select nextval('n') as n"}
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("create sequence n")

        with pytest.raises(ContractError, match=r"cannot execute nextval.* in a read-only transaction"):
            ingest_source(tmp_path, source)

        engine.dispose()


def test_an_empty_table_lands_its_columns(tmp_path: Path) -> None:
    source = database(tmp_path, "create table things (id integer)")

    manifest = ingest_source(tmp_path, {**source, "table": "things", "columns": {"id": "BIGINT"}})

    assert ({"id": "BIGINT"}, 0) == (dict(manifest.data_columns), manifest.rows)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    source = database(tmp_path, "create table things (id integer)")

    with pytest.raises(ContractError, match=r"there is no table thing; did you mean things\?"):
        ingest_source(tmp_path, {**source, "table": "thing"})
    with pytest.raises(ContractError, match='things: no column "ident"; found "id"'):
        ingest_source(tmp_path, {**source, "table": "things", "columns": {"ident": "BIGINT"}})


def test_a_missing_driver_is_told_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match="needs a driver of SQLAlchemy for nosuchdb") as caught:
        ingest_source(
            tmp_path, {"type": "database", "url": "nosuchdb://ada:hunter2secret@host/shop", "table": "things"}
        )

    assert "hunter2secret" not in str(caught.value)


@pytest.mark.postgres
def test_a_server_side_cursor_streams_and_keeps_types(tmp_path: Path) -> None:
    with postgres_schema() as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "create table things as select 1 as id, 1.50::numeric(10,2) as amount, '{\"a\": 1}'::jsonb as about, "
                "timestamptz '2025-01-01 00:00+00' as changed, '\\x00ff'::bytea as raw, array[1,2] as list"
            )
        engine.dispose()
        given = sa.make_url(url).set(drivername="othergres").render_as_string(hide_password=False)

        manifest = ingest_source(tmp_path, {"type": "database", "url": given, "table": "things"})

    assert [(1, Decimal("1.50"), '{"a": 1}', datetime(2025, 1, 1, tzinfo=UTC), b"\x00\xff", "[1, 2]")] == landed(
        manifest
    )


def test_a_server_that_is_gone_may_come_back(tmp_path: Path, unused_port: int) -> None:
    with pytest.raises(TransientError, match=r"broke off.*Connection refused"):
        ingest_source(
            tmp_path,
            {"type": "database", "url": f"othergres://ada:hunter2secret@127.0.0.1:{unused_port}/x", "table": "t"},
        )


@pytest.mark.postgres
def test_a_login_that_is_refused_is_not_tried_again(tmp_path: Path) -> None:
    with postgres_schema() as url:
        place = sa.make_url(url).set(drivername="othergres", database="no_such_database_of_ours")
        given = place.render_as_string(hide_password=False)

        with pytest.raises(FatalError, match=r"orders\.url refuses the login: .*does not exist"):
            ingest_source(tmp_path, {"type": "database", "url": given, "table": "t"})


def test_the_extras_of_a_connection_reach_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database(tmp_path, "create table things (id integer)", "insert into things values (1)")
    given = {"conn_type": "otherlite", "schema": f"{tmp_path}/shop.db"}
    source = {"type": "database", "connection": "shop_db", "table": "things"}

    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({**given, "extra": {"timeout": "7", "cursor": "dict"}}))
    assert 1 == ingest_source(tmp_path, source).rows
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({**given, "extra": {"sslmod": "on"}}))
    with pytest.raises(FatalError, match=r"the driver does not take its extras \(sslmod\)"):
        ingest_source(tmp_path, source)


def test_where_there_are_no_extras_the_driver_takes_not_the_address(tmp_path: Path) -> None:
    source = database(tmp_path, "create table things (id integer)")

    with pytest.raises(FatalError, match=r"orders\.url: the driver does not take its address: embedded null"):
        ingest_source(tmp_path, {**source, "url": f"{source['url']}\0", "table": "things"})


@pytest.mark.parametrize(
    "said",
    [
        "canceling authentication due to timeout",
        "authentication timeout",
        "authentication service is unavailable, try again",
        "timeout while the certificate was fetched",
    ],
)
def test_a_login_that_took_too_long_is_not_refused(said: str) -> None:
    assert not other.REFUSED.search(said)


@pytest.mark.parametrize(
    "said",
    [
        'FATAL:  password authentication failed for user "ada"',
        "Authentication plugin 'caching_sha2_password' cannot be loaded",
        "Client does not support authentication protocol requested by server",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain",
        "SSL error: sslv3 alert certificate expired",
        'server certificate for "a" does not match host name "b"',
        'root certificate file "/root.crt" does not exist',
        "connection requires a valid client certificate",
    ],
)
def test_a_login_that_the_database_or_tls_refuses_is_known(said: str) -> None:
    assert other.REFUSED.search(said)


@pytest.mark.parametrize("number", [1021, 1037, 1038, 1114, 1135, 1206])
def test_a_mysql_that_has_no_room_may_have_some_later(number: int) -> None:
    error_of_driver = type("InternalError", (Exception,), {"__module__": "pymysql.err"})
    refused = sa.exc.InternalError("select 1", None, error_of_driver(number, "The table 'x' is full"))
    address = Address("orders.url", sa.make_url("mysql+pymysql://host/shop"))

    told = other._error(refused, address, Relation("things", "things AS q", "things"))

    assert isinstance(told, TransientError)
