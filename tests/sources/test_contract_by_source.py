"""Every type of source keeps its `schema_contract`: what came undeclared, what does not fit, what did not come."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import registry

from kit.contracts import Aside, refused
from kit.databases import postgres_schema
from kit.ingest import ingest_source, landed
from kit.unruly_api import UnrulyApi, says

registry.register("otherlite", "sqlalchemy.dialects.sqlite.pysqlite", "SQLiteDialect_pysqlite")

ROWS = [
    {"id": 1, "amount": "10", "note": None},
    {"id": 2, "amount": "zero", "note": None},
    {"id": 3, "amount": "30", "note": "new"},
]
COLUMNS = {"id": "BIGINT", "amount": "BIGINT"}
NEVER_CAME = {**COLUMNS, "note": "VARCHAR", "late": "VARCHAR"}
TABLE = "create table things (id integer, amount text, note text)"
INSERTS = [
    "insert into things values (1, '10', null)",
    "insert into things values (2, 'zero', null)",
    "insert into things values (3, '30', 'new')",
]

Made = tuple[dict[str, Any], dict[str, Any]]
"""A source, and what else ingest is given."""


def of_csv(root: Path, _: ExitStack) -> Made:
    write_csv(root / "a.csv")
    return {"type": "file", "format": "csv", "path": "a.csv"}, {}


def write_csv(file: Path) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(ROWS[0]))
        writer.writeheader()
        writer.writerows(ROWS)


def of_json(root: Path, _: ExitStack) -> Made:
    (root / "a.json").write_text(json.dumps(ROWS))
    return {"type": "file", "format": "json", "path": "a.json"}, {}


def of_ndjson(root: Path, _: ExitStack) -> Made:
    (root / "a.ndjson").write_text("\n".join(map(json.dumps, ROWS)))
    return {"type": "file", "format": "ndjson", "path": "a.ndjson"}, {}


def of_parquet(root: Path, _: ExitStack) -> Made:
    pq.write_table(pa.Table.from_pylist(ROWS), root / "a.parquet")
    return {"type": "file", "format": "parquet", "path": "a.parquet"}, {}


def of_web(root: Path, stack: ExitStack) -> Made:
    write_csv(root / "a.csv")
    server = stack.enter_context(UnrulyApi())
    server.routes["/a.csv"] = says((root / "a.csv").read_bytes(), kind="text/csv")
    return {"type": "file", "format": "csv", "path": f"{server.url}/a.csv"}, {}


def of_api(_: Path, stack: ExitStack) -> Made:
    server = stack.enter_context(UnrulyApi())
    server.pages = [ROWS[:2], ROWS[2:]]
    return {"type": "api", "url": f"{server.url}/orders", "records": "items", "pagination": {"type": "page"}}, {}


def of_python(_: Path, __: ExitStack) -> Made:
    return {"type": "python"}, {"rows": lambda: [ROWS]}


def of_published(root: Path, _: ExitStack) -> Made:
    folder = root / "published" / "sales"
    (folder / "v1").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "v1" / "daily.parquet")
    tables = {"daily": {"rows": len(ROWS), "columns": {}}}
    (folder / "current.json").write_text(json.dumps({"version": "v1", "run_id": "run", "tables": tables}))
    return {"type": "published", "table": "sales.daily"}, {}


def of_sqlite(root: Path, _: ExitStack) -> Made:
    with closing(sqlite3.connect(root / "shop.db")) as opened, opened:
        for statement in (TABLE, *INSERTS):
            opened.execute(statement)
    return {"type": "database", "url": "sqlite:///shop.db", "table": "things"}, {}


def of_other_database(root: Path, stack: ExitStack) -> Made:
    source, how = of_sqlite(root, stack)
    return {**source, "url": f"otherlite:///{root}/shop.db"}, how


def of_postgres(_: Path, stack: ExitStack) -> Made:
    url = stack.enter_context(postgres_schema())
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in (TABLE, *INSERTS):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return {"type": "database", "url": url, "table": "things"}, {}


SOURCES: dict[str, Callable[[Path, ExitStack], Made]] = {
    "csv": of_csv,
    "json": of_json,
    "ndjson": of_ndjson,
    "parquet": of_parquet,
    "web": of_web,
    "api": of_api,
    "python": of_python,
    "published": of_published,
    "sqlite": of_sqlite,
    "other database": of_other_database,
    "postgres": of_postgres,
}


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.postgres] * (name == "postgres")) for name in SOURCES])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    with ExitStack() as stack:
        yield SOURCES[request.param](tmp_path, stack)


@pytest.mark.parametrize(
    ("mode", "rows"),
    [
        ("evolve", [(1, 10, None), (2, None, None), (3, 30, "new")]),
        ("discard_value", [(1, 10), (2, None), (3, 30)]),
        ("discard_row", [(1, 10), (2, None)]),
        ("quarantine", [(1, 10), (2, None)]),
    ],
)
def test_what_came_undeclared_is_landed_or_left_out(tmp_path: Path, made: Made, mode: str, rows: list[Any]) -> None:
    source, how = made
    aside = Aside()
    contract = {"columns": mode, "data_type": "discard_value"}

    manifest = ingest_source(
        tmp_path, {**source, "columns": COLUMNS, "schema_contract": contract}, set_aside=aside, **how
    )

    names = "id, amount, note" if mode == "evolve" else "id, amount"
    assert rows == sorted(landed(manifest, names))
    assert ((mode == "discard_row") * 1, (mode == "quarantine") * 1) == (
        manifest.discarded_rows,
        manifest.quarantined_rows,
    )
    assert ([("3", "new")] if mode == "quarantine" else []) == [(row["id"], row["note"]) for row in aside.rows]
    assert (() if mode == "evolve" else ("note",)) == manifest.undeclared
    assert 3 == manifest.rows_read


@pytest.mark.parametrize(
    ("mode", "rows"),
    [
        ("evolve", [(1, 10), (2, None), (3, 30)]),
        ("discard_value", [(1, 10), (2, None), (3, 30)]),
        ("discard_row", [(1, 10), (3, 30)]),
        ("quarantine", [(1, 10), (3, 30)]),
    ],
)
def test_what_does_not_fit_is_landed_or_left_out(tmp_path: Path, made: Made, mode: str, rows: list[Any]) -> None:
    source, how = made
    aside = Aside()
    contract = {"data_type": mode}

    manifest = ingest_source(
        tmp_path, {**source, "columns": COLUMNS, "schema_contract": contract}, set_aside=aside, **how
    )

    assert rows == sorted(landed(manifest, "id, amount"))
    assert ((mode == "discard_row") * 1, (mode == "quarantine") * 1) == (
        manifest.discarded_rows,
        manifest.quarantined_rows,
    )
    assert ([("2", "zero")] if mode == "quarantine" else []) == [(row["id"], row["amount"]) for row in aside.rows]
    assert ("amount",) == manifest.misfits
    if mode == "evolve":
        assert [(2, "zero")] == landed(manifest, "id, amount__text")[1:2]


@pytest.mark.parametrize(
    ("contract", "columns", "told"),
    [
        ({"columns": "freeze"}, COLUMNS, '"note" not declared in `columns`'),
        ({"data_type": "freeze"}, COLUMNS, "column \"amount\": 'zero' is not a BIGINT"),
        ({"data_type": "discard_value"}, NEVER_CAME, 'no column "late"'),
    ],
)
def test_what_the_contract_does_not_let_pass_fails_the_run(
    tmp_path: Path, made: Made, contract: Any, columns: Any, told: str
) -> None:
    source, how = made

    assert told in refused(tmp_path, {**source, "columns": columns, "schema_contract": contract}, **how)


def test_what_never_came_is_null_under_evolve(tmp_path: Path, made: Made) -> None:
    source, how = made

    manifest = ingest_source(tmp_path, {**source, "columns": NEVER_CAME, "schema_contract": "evolve"}, **how)

    assert [(1, None), (2, None), (3, None)] == sorted(landed(manifest, "id, late"))
    assert ("late",) == manifest.absent
