"""Databases that DuckDB has no scanner for, through SQLAlchemy: SQLite and PostgreSQL stand for them, renamed."""

from __future__ import annotations

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
