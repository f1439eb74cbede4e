"""MariaDB, and MySQL, which speaks the same: read through SQLAlchemy and PyMySQL, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dataflow.errors import ContractError, FatalError, TransientError
from dataflow.interval import Interval
from kit.databases import mariadb_database
from kit.ingest import ingest_source, landed

pytestmark = pytest.mark.mariadb

MANY = 25_000


@pytest.fixture
def shop() -> Iterator[sa.Engine]:
    with mariadb_database() as url:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        yield engine
        engine.dispose()


def done(engine: sa.Engine, *statements: str) -> dict[str, Any]:
    """Run statements, and give a source of that database."""
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    return {"type": "database", "url": engine.url.render_as_string(hide_password=False)}


TYPES = {
    "id bigint unsigned": "UBIGINT",
    "small tinyint": "TINYINT",
    "price decimal(12,2)": "DECIMAL(12,2)",
    "wide decimal(65,30)": "VARCHAR",
    "ratio double": "DOUBLE",
    "born date": "DATE",
    "seen datetime(6)": "TIMESTAMP",
    "sent timestamp null": "TIMESTAMP WITH TIME ZONE",
    "shift time": "TIME",
    "name varchar(20)": "VARCHAR",
    "raw_bytes blob": "BLOB",
    "kind enum('a','b')": "VARCHAR",
    "kinds set('a','b')": "VARCHAR",
    "made year": "SMALLINT",
    "flags bit(8)": "UBIGINT",
    "nothing int": "INTEGER",
}


def test_types_are_the_tables_whether_it_has_rows_or_none(tmp_path: Path, shop: sa.Engine) -> None:
    source = done(shop, f"create table things ({', '.join(TYPES)})")
    empty = ingest_source(tmp_path / "empty", {**source, "table": "things"})
    done(shop, "insert into things (id, price) values (1, 1.1)")
    filled = ingest_source(tmp_path / "filled", {**source, "table": "things"})

    assert [*TYPES.values()] == [*empty.data_columns.values()] == [*filled.data_columns.values()]
    assert [(1, Decimal("1.10"))] == landed(filled, "id, price")


def test_every_value_comes_as_it_is(tmp_path: Path, shop: sa.Engine) -> None:
    source = done(
        shop,
        f"create table things ({', '.join(TYPES)})",
        "set time_zone = '+02:00'",
        "insert into things values (18446744073709551615, -128, 1234567890.12, "
        "12345678901234567890.000000000000000000000000000001, 1e-12, '2024-02-29', '2025-03-30 02:30:00.123456', "
        "'2025-03-30 14:30:00', '23:59:58', 'Zoë 🐝', x'00ff', 'b', 'a,b', 2024, b'101', null)",
    )
    source["url"] += "?init_command=SET time_zone='%2B02:00'"  # a server far from UTC

    [row] = landed(ingest_source(tmp_path, {**source, "table": "things"}))

    assert (18446744073709551615, -128, Decimal("1234567890.12")) == row[:3]
    assert ("12345678901234567890.000000000000000000000000000001", 1e-12, date(2024, 2, 29)) == row[3:6]
    naive = datetime(2025, 3, 30, 2, 30, 0, 123456)  # noqa: DTZ001 - a DATETIME has no zone
    assert (naive, datetime(2025, 3, 30, 12, 30, tzinfo=UTC), time(23, 59, 58)) == row[6:9]
    assert ("Zoë 🐝", b"\x00\xff", "b", "a,b", 2024, 5, None) == row[9:]


def test_a_time_that_is_none_of_a_day_is_told_and_lands_as_text_where_it_is_declared_so(
    tmp_path: Path, shop: sa.Engine
) -> None:
    source = done(shop, "create table things (at time)", "insert into things values ('100:30:00'), ('-00:00:01')")
    source["table"] = "things"

    with pytest.raises(ContractError, match=r"column \"at\": '100:30:00' is not a TIME; .* declare"):
        ingest_source(tmp_path / "as_it_is", source)

    declared = ingest_source(tmp_path / "declared", {**source, "columns": {"at": "VARCHAR"}})
    assert {("100:30:00",), ("-00:00:01",)} == set(landed(declared))


def test_a_large_table_is_streamed_and_an_incremental_one_gives_its_range(tmp_path: Path, shop: sa.Engine) -> None:
    first = datetime(2025, 2, 1, tzinfo=UTC)
    rows = ", ".join(f"({number}, '{first + timedelta(minutes=number):%Y-%m-%d %H:%M}')" for number in range(MANY))
    source = done(shop, "create table things (id int, changed datetime)", f"insert into things values {rows}")
    day = Interval(first + timedelta(days=1), first + timedelta(days=2))
    source["table"] = "things"

    whole = ingest_source(tmp_path / "whole", source)
    part = ingest_source(tmp_path / "part", {**source, "incremental": {"cursor": "changed"}}, cursor=day)

    assert [(MANY, MANY * (MANY - 1) // 2)] == landed(whole, "count(*), sum(id)")
    assert [(1440, 1440, 2879)] == landed(part, "count(*), min(id), max(id)")


def test_a_query_cannot_write_whatever_the_login_may(tmp_path: Path, shop: sa.Engine) -> None:
    source = done(
        shop,
        "create table things (id int)",
        "create function put(n int) returns int modifies sql data begin insert into things values (n); return n; end",
    )

    with pytest.raises(ContractError, match=r"the query of orders: the database refuses this: .*READ ONLY"):
        ingest_source(tmp_path, {**source, "query": "select put(7) as n"})

    with shop.connect() as connection:
        assert [] == connection.exec_driver_sql("select id from things").fetchall()


def test_a_login_that_is_refused_or_may_not_read_is_not_tried_again(tmp_path: Path, shop: sa.Engine) -> None:
    user = f"u_{shop.url.database}"
    done(
        shop,
        "create table things (id int)",
        "create table secrets (id int)",
        f"create user {user}@'127.0.0.1' identified by 'right'",
        f"grant select on {shop.url.database}.things to {user}@'127.0.0.1'",
    )
    right = shop.url.set(username=user, password="right")
    sources = [
        {"type": "database", "url": url.render_as_string(hide_password=False), "query": query}
        for url, query in (
            (right.set(password="wrong-one"), "select id from things"),
            (right.set(database="no_such_database"), "select id from things"),
            (right, "select id from secrets"),
        )
    ]
    try:
        for source, told in zip(sources, ("refuses the login", "refuses the login", "refuses this"), strict=True):
            with pytest.raises(FatalError, match=told) as caught:
                ingest_source(tmp_path, source)
            assert "wrong-one" not in str(caught.value)
    finally:
        done(shop, f"drop user {user}@'127.0.0.1'")


def test_a_connection_that_is_cut_is_tried_again_and_then_gives_every_row(tmp_path: Path, shop: sa.Engine) -> None:
    source = done(shop, "create table things (id int)", "insert into things values (1), (2), (3)")
    cuts_itself = "select id, sleep(0) from things where id < 3 union all select kill_me(), 1"
    done(shop, "create function kill_me() returns int reads sql data begin kill connection_id(); return 1; end")

    with pytest.raises(TransientError, match="broke off"):
        ingest_source(tmp_path, {**source, "query": cuts_itself})

    assert [(3,)] == landed(ingest_source(tmp_path, {**source, "table": "things"}), "count(*)")


def test_a_server_that_is_not_there_may_come_back(tmp_path: Path, unused_port: int) -> None:
    source = {"type": "database", "url": f"mysql+pymysql://ada:hunter2secret@127.0.0.1:{unused_port}/shop"}

    with pytest.raises(TransientError, match=r"cannot be reached.*Connection refused") as caught:
        ingest_source(tmp_path, {**source, "table": "things"})

    assert "hunter2secret" not in str(caught.value)


def test_a_mistake_in_a_query_or_a_name_is_told(tmp_path: Path, shop: sa.Engine) -> None:
    source = done(shop, "create table things (id int)")

    with pytest.raises(ContractError, match=r"refuses this: .*Unknown column 'ident'"):
        ingest_source(tmp_path, {**source, "query": "select ident from things"})
    with pytest.raises(ContractError, match=r"there is no table thing; did you mean things\?"):
        ingest_source(tmp_path, {**source, "table": "thing"})
