"""Giving a column of a loaded table another type, rows and all, where no load may: it could lose what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.errors import ContractError, InputError
from dataflow.identifiers import quote
from dataflow.near_miss import known_words
from dataflow.queries import find_column
from dataflow.sensitive import HIDDEN, sensitive_in_load
from dataflow.sources.contract.fit import Fit, canonical_type, fit
from dataflow.warehouse.columns import columns_of, is_own_column
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.schemas import staging_schema, tables_in
from dataflow.warehouse.transaction import transact

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["Retyped", "retype"]

SHOWN = 100
"""Characters of a value in a message."""


@dataclass(frozen=True, slots=True)
class Retyped:
    """What became of a column."""

    table: str
    column: str
    before: str
    after: str
    rows: int
    """Of the table."""


def retype(settings: Settings, workflow: Workflow, table: str, *, column: str, to: str, dry_run: bool) -> Retyped:
    """Cast a column of a loaded table, every value exactly, in one transaction; the other columns stay as they are.

    Args:
        settings: Which warehouse.
        workflow: Whose table.
        table: Its name.
        column: Which, in any case.
        to: A DuckDB type.
        dry_run: Change nothing, but say what would become of it.

    Raises:
        InputError: when there is no such table, column or type, or a value would not be the same.
        TransientError: when the warehouse is held by others for too long.
    """
    turn = f"{workflow.name}.{table}"
    with open_warehouse(settings, purpose=f"cast a column of {turn}", turn=turn) as connection:
        return transact(connection, lambda: _retype(connection, workflow, table, column=column, to=to, dry_run=dry_run))


def _retype(
    connection: DuckDBPyConnection, workflow: Workflow, table: str, *, column: str, to: str, dry_run: bool
) -> Retyped:
    relation, columns = _table(connection, workflow.name, table)
    name = _column(table, column, columns)
    try:
        after = canonical_type(to, column=name)
    except ContractError:
        raise InputError(f"DuckDB has no type {to!r}; write one such as BIGINT, DECIMAL(12,2) or TIMESTAMPTZ") from None
    before = columns[name]
    cast = fit(quote(name), before, declared=after)
    rows = _refuse_misfits(connection, relation, cast, workflow=workflow, table=table, column=name, after=after)
    if not dry_run and before != after:
        connection.execute(
            f"CREATE OR REPLACE TABLE {relation} AS SELECT * REPLACE (({cast.value}) AS {quote(name)}) FROM {relation}"
        )
    return Retyped(table, name, before, after, rows)


def _table(connection: DuckDBPyConnection, workflow: str, table: str) -> tuple[str, dict[str, str]]:
    schema = staging_schema(workflow)
    loaded = tables_in(connection, schema)
    if table.lower() not in loaded:
        there = known_words(table, loaded.values(), what="it has") or "nothing was loaded yet"
        raise InputError(f"{workflow} has no loaded table {table!r}; {there}")
    relation = quote(schema, loaded[table.lower()])
    return relation, columns_of(connection, relation)


def _column(table: str, column: str, columns: dict[str, str]) -> str:
    try:
        return find_column([name for name in columns if not is_own_column(name)], column)
    except ValueError as error:
        raise InputError(f"{table}: {error}") from None


def _refuse_misfits(
    connection: DuckDBPyConnection, relation: str, cast: Fit, *, workflow: Workflow, table: str, column: str, after: str
) -> int:
    """See that every value stays what it is; give the number of rows."""
    misfit = f"{quote(column)} IS NOT NULL AND {cast.misfit}" if cast.misfit is not None else "false"
    row = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {misfit}), "
        f"left(min(CAST({quote(column)} AS VARCHAR)) FILTER (WHERE {misfit}), {SHOWN}) FROM {relation}"
    ).fetchone()
    total, bad, example = row or (0, 0, None)
    if bad:
        shown = HIDDEN if sensitive_in_load(workflow.spec, table).hides(column) else repr(example)
        raise InputError(
            f"{table}.{column}: {bad} of {total} rows have a value that is no {after}, {shown} for one; nothing was "
            "changed. Run again the windows that brought them once they bring others, or cast to a wider type"
        )
    return int(total)
