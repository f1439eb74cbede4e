"""Whether the tables of two runs hold the same rows, whatever their order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import literal, quote
from dataflow.queries import RESERVED_PREFIX, columns_of_query
from dataflow.spec.tables import tables_of
from dataflow.testing.single_step import LOG
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.schemas import model_schema, staging_schema, tables_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["differences", "keep_tables"]

DIGITS = 9
"""Of a floating number that are compared: a sum in another order differs behind them."""


def keep_tables(settings: Settings, workflow: Workflow, *, folder: Path) -> None:
    """Copy every loaded table and every model, without our own columns."""
    folder.mkdir(parents=True)
    with open_warehouse(settings, purpose="keep tables", log=LOG) as connection:
        for name, relation in _tables(connection, workflow):
            query = f"SELECT {_comparable(connection, relation)} FROM {relation}"
            connection.execute(f"COPY ({query}) TO {literal(str(folder / f'{name}.parquet'))} (FORMAT parquet)")


def differences(settings: Settings, workflow: Workflow, *, folder: Path) -> list[str]:
    """Compare every table with its copy, and say for each that differs how, and what may be the cause."""
    found = []
    with open_warehouse(settings, purpose="compare tables", log=LOG) as connection:
        for name, relation in _tables(connection, workflow):
            if not (folder / f"{name}.parquet").exists():
                found.append(f"{name} was loaded by the second run alone, on the same rows in another order")
                continue
            before = f"read_parquet({literal(str(folder / f'{name}.parquet'))}, hive_partitioning = false)"
            columns = [column for column, _ in columns_of_query(connection, f"SELECT * FROM {before}")]
            after = f"(SELECT {_comparable(connection, relation)} FROM {relation})"
            if changed := _difference(connection, before, after=after, columns=columns):
                found.append(
                    f"{name} differs between two runs on the same rows in another order: {changed}; "
                    "its rows may depend on nothing but the rows read, ctx.window and ctx.params: not on their order "
                    "(sort by a key), the run's id, the clock, chance, or what an earlier run loaded"
                )
    return found


def _tables(connection: DuckDBPyConnection, workflow: Workflow) -> Iterator[tuple[str, str]]:
    staging, models = staging_schema(workflow.name), model_schema(workflow.name)
    loaded = tables_in(connection, staging)  # a gate or a choice may have left one out
    for table in tables_of(workflow.spec):
        if table.lower() in loaded:
            yield f"{staging}.{table}", quote(staging, table)
    there = tables_in(connection, models)
    for model in workflow.models:
        if model.lower() in there:
            yield f"{models}.{model}", quote(models, there[model.lower()])


def _comparable(connection: DuckDBPyConnection, relation: str) -> str:
    columns = columns_of_query(connection, f"SELECT * FROM {relation}")
    shown = [
        f"printf('%.{DIGITS - 1}e', {quote(name)}) AS {quote(name)}" if kind in ("DOUBLE", "FLOAT") else quote(name)
        for name, kind in columns
        if not name.startswith(RESERVED_PREFIX)
    ]
    return ", ".join(shown)


def _difference(connection: DuckDBPyConnection, before: str, *, after: str, columns: list[str]) -> str:
    def apart(selected: str) -> int:
        once, again = f"SELECT {selected} FROM {before}", f"SELECT {selected} FROM {after}"
        gone, new = f"({once} EXCEPT ALL {again})", f"({again} EXCEPT ALL {once})"
        return max(_count(connection, gone), _count(connection, new))

    rows = apart("*")
    if not rows:
        return ""
    differing = [column for column in columns if apart(quote(column))]
    total, again = _count(connection, before), _count(connection, after)
    if total != again:
        return f"{total} rows, then {again}"
    return f"{rows} of {total} rows" + (f", in {', '.join(differing[:5])}" if differing else "")


def _count(connection: DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(row[0]) if row else 0
