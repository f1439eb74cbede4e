"""PostgreSQL as a source, on a real server: tables, queries, and a range of them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from dataflow.errors import ContractError, FatalError
from dataflow.interval import Interval
from kit.ingest import ingest_source, landed
from kit.postgres_source import Server

pytestmark = pytest.mark.postgres


def test_declared_columns_are_chosen_and_cast_strictly(tmp_path: Path, server: Server) -> None:
    server.run("create table things (id int, amount numeric, note text)", "insert into things values (1, 2.5, 'x')")

    chosen = ingest_source(tmp_path, server.source(table="things", columns={"amount": "DECIMAL(5,1)"}))
    assert [(Decimal("2.5"),)] == landed(chosen)

    with pytest.raises(ContractError, match=r"things: row 1: column \"amount\": '2\.5' is not a BIGINT"):
        ingest_source(tmp_path, server.source(table="things", columns={"amount": "BIGINT"}))


def test_names_of_every_kind_are_read(tmp_path: Path, server: Server) -> None:
    server.run(
        'create table "We ird""s" ("Order Id" int, "order" int, "a;b" text)',
        'insert into "We ird""s" values (1, 2, \'c\')',
    )

    manifest = ingest_source(tmp_path, server.source(table='We ird"s'))

    assert ["Order Id", "order", "a;b"] == list(manifest.data_columns)
    assert [(1, 2, "c")] == landed(manifest)


def test_an_empty_table_lands_its_columns(tmp_path: Path, server: Server) -> None:
    server.run("create table things (id int, thing jsonb)")

    manifest = ingest_source(tmp_path, server.source(table="things"))

    assert ({"id": "INTEGER", "thing": "JSON"}, 0) == (manifest.data_columns, manifest.rows)


def test_a_query_is_read(tmp_path: Path, server: Server) -> None:
    server.run("create table things as select i as id from generate_series(1, 5) i")

    manifest = ingest_source(
        tmp_path,
        server.source(
            query="with big as (select * from things where id > 3)\nselect id, id * 2 as twice from big -- done"
        ),
    )

    assert [(4, 8), (5, 10)] == landed(manifest)


MARCH = Interval(datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC))


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date", "text"])
def test_an_incremental_table_gives_the_range_alone(tmp_path: Path, server: Server, kind: str) -> None:
    time = {"date": "", "timestamptz": " 00:00:00+00"}.get(kind, " 00:00:00")
    days = ["2025-02-28", "2025-03-01", "2025-03-31", "2025-04-01"]
    server.run(
        f"create table things (id int, changed {kind})",
        *(f"insert into things values ({number}, '{day}{time}')" for number, day in enumerate(days)),
    )

    manifest = ingest_source(tmp_path, server.source(table="things", incremental={"cursor": "changed"}), cursor=MARCH)

    assert [1, 2] == sorted(number for (number,) in landed(manifest, "id"))
    # The database itself is asked for the range; a text is not compared there.
    assert (2 if kind == "text" else 0) == manifest.cut_rows


def test_a_row_without_a_cursor_is_told(tmp_path: Path, server: Server) -> None:
    server.run("create table things (id int, changed timestamptz)", "insert into things values (1, null)")

    with pytest.raises(ContractError, match='the cursor column "changed" is NULL in 1 of 1 rows'):
        ingest_source(tmp_path, server.source(table="things", incremental={"cursor": "changed"}), cursor=MARCH)


def test_an_airflow_connection_says_where(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.run("create table things as select 1 as id")
    url = sa.make_url(server.url)
    extra = f"?options={url.query['options'].replace('=', '%3D')}&cursor=dictcursor"
    monkeypatch.setenv(
        "AIRFLOW_CONN_SHOP_DB", f"postgres://{url.username}:x@{url.host}:{url.port}/{url.database}{extra}"
    )

    assert [(1,)] == landed(ingest_source(tmp_path, {"type": "database", "connection": "shop_db", "table": "things"}))


def test_a_password_of_any_characters_is_passed_on(tmp_path: Path, server: Server) -> None:
    password = "p' a\\ss@/%:w\"d$$"
    role = f"role_{sa.make_url(server.url).query['options'][-8:]}"
    with server.engine.begin() as connection:
        schema = connection.exec_driver_sql("select current_schema()").scalar_one()
    server.run(
        "create table things as select 1 as id",
        f'create role "{role}" login',
        f'grant usage on schema {schema} to "{role}"',
        f'grant select on things to "{role}"',
    )
    try:
        url = sa.make_url(server.url).set(username=role, password=password)
        assert [(1,)] == landed(
            ingest_source(
                tmp_path, {"type": "database", "url": url.render_as_string(hide_password=False), "table": "things"}
            )
        )
        server.run(f'revoke select on things from "{role}"')
        with pytest.raises(FatalError, match="permission denied for table things"):
            ingest_source(
                tmp_path, {"type": "database", "url": url.render_as_string(hide_password=False), "table": "things"}
            )
    finally:
        server.run(f'drop owned by "{role}"', f'drop role "{role}"')
