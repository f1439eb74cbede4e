"""SQLite as a source: columns that hold anything are read exactly, or refused by name."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.errors import ContractError, FatalError
from dataflow.interval import Interval
from dataflow.sources.request import SetAside
from kit.ingest import ingest_source, landed

SHOP = {"type": "database", "url": "sqlite:///shop.db"}


def write(folder: Path, *statements: str, rows: tuple[tuple[Any, ...], ...] = ()) -> None:
    """Run statements on ``shop.db``; the last of them once for each row."""
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        for statement in statements[:-1] if rows else statements:
            database.execute(statement)
        if rows:
            database.executemany(statements[-1], rows)


@pytest.mark.parametrize(
    ("kind", "given", "as_landed", "value"),
    [
        ("integer", 9007199254740993, "BIGINT", 9007199254740993),
        ("bigint", -(2**63), "BIGINT", -(2**63)),
        ("real", 0.1 + 0.2, "DOUBLE", 0.1 + 0.2),
        ("double precision", 1e300, "DOUBLE", 1e300),
        ("real", 2, "DOUBLE", 2.0),
        ("text", "ä\tb", "VARCHAR", "ä\tb"),
        ("varchar(3)", 5, "VARCHAR", "5"),
        ("blob", b"\x00\xff", "BLOB", b"\x00\xff"),
        ("blob", "text", "BLOB", b"text"),
        ("blob", b"", "BLOB", b""),
        ("decimal(10,2)", 1.1, "DECIMAL(10,2)", Decimal("1.10")),
        ("decimal(18,0)", 9007199254740993, "DECIMAL(18,0)", Decimal(9007199254740993)),
        ("numeric", 9007199254740993, "VARCHAR", "9007199254740993"),
        ("", 1.5, "VARCHAR", "1.5"),
        ("boolean", 1, "BOOLEAN", True),
        ("date", "2025-01-01", "DATE", date(2025, 1, 1)),
        ("time", "01:02:03", "TIME", time(1, 2, 3)),
        ("datetime", "2025-01-01T01:02:03.5", "TIMESTAMP", datetime.fromisoformat("2025-01-01 01:02:03.5")),
        (
            "timestamp with time zone",
            "2025-01-01 01:02:03+02:00",
            "TIMESTAMP WITH TIME ZONE",
            datetime(2024, 12, 31, 23, 2, 3, tzinfo=UTC),
        ),
        ("json", '{"a": 1.10}', "JSON", '{"a": 1.10}'),
        ("uuid", str(UUID(int=1)), "UUID", UUID(int=1)),
    ],
)
def test_a_value_lands_as_it_is(tmp_path: Path, kind: str, given: object, as_landed: str, value: object) -> None:
    write(tmp_path, f"create table things (thing {kind})", "insert into things values (?)", rows=((given,), (None,)))

    manifest = ingest_source(tmp_path, {**SHOP, "table": "things"})

    assert {"thing": as_landed} == dict(manifest.data_columns)
    assert [(value,), (None,)] == landed(manifest)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("integer", 1.5),
        ("integer", "abc"),
        ("real", "x"),
        ("date", "01/02/2025"),
        ("date", 1735689600),
        ("timestamp", "2025-01-01 01:02:03+02:00"),
        ("boolean", "perhaps"),
        ("decimal(4,2)", 12345),
    ],
)
def test_a_value_of_another_kind_is_told(tmp_path: Path, kind: str, given: object) -> None:
    write(tmp_path, f"create table things (thing {kind})", "insert into things values (?)", rows=((None,), (given,)))

    with pytest.raises(ContractError, match=r'things: row 2: column "thing": .* is not a '):
        ingest_source(tmp_path, {**SHOP, "table": "things"})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(allow_nan=False), min_size=1), st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_no_number_loses_a_digit(tmp_path: Path, floats: list[float], integers: list[int]) -> None:
    write(tmp_path, "drop table if exists floats", "drop table if exists integers", "create table floats (thing real)")
    write(tmp_path, "create table integers (thing integer)")
    write(tmp_path, "insert into floats values (?)", rows=tuple((each,) for each in floats))
    write(tmp_path, "insert into integers values (?)", rows=tuple((each,) for each in integers))

    for number, (table, values) in enumerate({"floats": floats, "integers": integers}.items()):
        manifest = ingest_source(tmp_path, {**SHOP, "table": table}, run_id=f"run{number}")
        assert [(each,) for each in values] == landed(manifest)


def test_declared_columns_are_chosen_and_cast(tmp_path: Path) -> None:
    write(
        tmp_path, "create table things (a, b, c)", "insert into things values (?, ?, ?)", rows=((1, "2025-01-01", 3),)
    )

    manifest = ingest_source(tmp_path, {**SHOP, "table": "things", "columns": {"b": "DATE", "a": "BIGINT"}})

    assert [(1, date(2025, 1, 1))] == landed(manifest, "a, b")


def test_a_query_is_read(tmp_path: Path) -> None:
    write(tmp_path, "create table things (id integer)", "insert into things values (?)", rows=((1,), (2,)))

    manifest = ingest_source(
        tmp_path,
        {
            **SHOP,
            "query": "select id, id * 2 as twice from things -- all",
            "columns": {"id": "BIGINT", "twice": "BIGINT"},
        },
    )

    assert [(1, 2), (2, 4)] == landed(manifest)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"table": "thing"}, "there is no table thing; did you mean things?"),
        ({"table": "other.things"}, "there is no table other.things; did you mean things?"),
        ({"query": "select nix from things"}, "the query of orders: SQLite refuses this: no such column: nix"),
        ({"query": "delete from things"}, "SQLite refuses this"),
        ({"table": "things", "columns": {"ident": "BIGINT"}}, 'things: no column "ident"; found "id"'),
    ],
)
def test_what_is_not_there_is_told(tmp_path: Path, source: dict[str, Any], said: str) -> None:
    write(tmp_path, "create table things (id integer)")

    with pytest.raises(ContractError) as caught:
        ingest_source(tmp_path, {**SHOP, **source})

    assert said in str(caught.value)


def test_a_file_that_is_not_there_or_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match=r"there is no SQLite database .*shop\.db"):
        ingest_source(tmp_path, {**SHOP, "table": "things"})
    (tmp_path / "shop.db").write_text("no database at all" * 100)
    with pytest.raises(FatalError, match="file is not a database"):
        ingest_source(tmp_path, {**SHOP, "table": "things"})


@pytest.mark.parametrize("kind", ["timestamp", "datetime", "date", "text"])
def test_an_incremental_table_gives_the_range_alone(tmp_path: Path, kind: str) -> None:
    days = ("2025-02-28", "2025-03-01", "2025-03-31", "2025-04-01")
    write(
        tmp_path,
        f"create table things (id integer, changed {kind})",
        "insert into things values (?, ?)",
        rows=tuple(enumerate(days if kind == "date" else [f"{day}T00:00:00" for day in days])),
    )
    march = Interval(datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC))

    manifest = ingest_source(tmp_path, {**SHOP, "table": "things", "incremental": {"cursor": "changed"}}, cursor=march)

    assert [(1,), (2,)] == landed(manifest, "id")


def test_an_airflow_connection_says_which_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "create table things (id integer)", "insert into things values (?)", rows=((1,),))
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", f'{{"conn_type": "sqlite", "host": "{tmp_path}/shop.db"}}')

    manifest = ingest_source(tmp_path, {"type": "database", "connection": "shop_db", "table": "things"})

    assert [(1,)] == landed(manifest)


def test_a_path_of_any_characters_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "it's 100% #1?"
    folder.mkdir()
    write(folder, "create table things (id integer)", "insert into things values (?)", rows=((1,),))

    assert [(1,)] == landed(ingest_source(folder, {**SHOP, "table": "things"}))


def test_rows_that_break_the_contract_are_held_still_while_they_are_judged(tmp_path: Path):
    write(
        tmp_path,
        "create table orders (id, note)",
        "insert into orders values (?, ?)",
        rows=((1, None), ("x", None), (3, "new"), (4, None)),
    )
    source = {**SHOP, "table": "orders", "columns": {"id": "BIGINT"}}
    seen: list[Any] = []

    def set_aside(connection: Any, query: str, *_: object) -> SetAside:
        write(tmp_path, "delete from orders")
        seen.extend(connection.execute(f"select id, note, _dataflow_reasons from ({query}) order by id").fetchall())
        return SetAside(len(seen))

    manifest = ingest_source(tmp_path, {**source, "schema_contract": "quarantine"}, set_aside=set_aside)

    assert [(1,), (4,)] == landed(manifest, "id")
    assert (4, 2) == (manifest.rows_read, manifest.quarantined_rows)
    assert [
        ("3", "new", ["orders: column \"note\": 'new' is not declared in `columns`"]),
        ("x", None, ["orders: column \"id\": 'x' is not a BIGINT"]),
    ] == seen


def test_an_undeclared_column_is_landed_with_its_own_type_and_an_absent_one_is_null_under_evolve(tmp_path: Path):
    write(tmp_path, "create table orders (id integer, day date)", "insert into orders values (1, '2025-01-02')")
    source = {**SHOP, "table": "orders", "columns": {"id": "BIGINT", "gone": "VARCHAR"}}

    manifest = ingest_source(tmp_path, {**source, "schema_contract": "evolve"})

    assert {"id": "BIGINT", "day": "DATE", "gone": "VARCHAR"} == manifest.data_columns
    assert [(1, date(2025, 1, 2), None)] == landed(manifest, "id, day, gone")
    assert ("gone",) == manifest.absent
