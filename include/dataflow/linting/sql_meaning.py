"""Whether the SQL of a config means something: the columns and functions that it names are there.

Told by DuckDB itself, over tables of no rows that have the columns which a source declares and its stages leave. Where
those are not all known, as after a `sql` or `python` stage, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from dataflow.identifiers import quote
from dataflow.loading.rules.subject import Finding, Findings, Steps
from dataflow.modelling.columns import CARRIED, CURSOR
from dataflow.near_miss import known_words
from dataflow.queries import RESERVED_PREFIX, duckdb_message
from dataflow.spec.checks import Check
from dataflow.spec.tables import base_source, tables_named_in_sql
from dataflow.spec.transforms import Stage, stage_kind
from dataflow.spec.workflow import WorkflowSpec

if TYPE_CHECKING:
    import duckdb

__all__ = ["sql_means_something"]

_NO_COLUMN = re.compile(r'Referenced column "([^"]+)" (?:not found|was not found)')
_OTHER_TABLE = re.compile(r"\bTable with name\b")
MAX_STAGES = 40
"""Of one table; a longer chain would be nested too deeply."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of no rows, as far as its stages have brought it."""

    sql: str
    columns: tuple[str, ...]

    def then(self, select: str, columns: tuple[str, ...] | None = None, *, rest: str = "") -> Rows:
        """Give what a SELECT over these rows leaves."""
        return Rows(f"SELECT {select} FROM ({self.sql}\n){rest}", self.columns if columns is None else columns)


@dataclass(frozen=True, slots=True)
class Bound:
    """One piece of SQL, in a query that means something where the piece does."""

    steps: Steps
    sql: str
    columns: tuple[str, ...]
    """Those that it may name."""


def sql_means_something(spec: WorkflowSpec, connection: duckdb.DuckDBPyConnection) -> Findings:
    """Check queries and expressions wherever all columns are known; their syntax is right."""
    batches = {name: rows for name in spec.sources if (rows := _rows_of(spec, name)) is not None}
    for name in batches:
        bound: list[Bound] = []
        for index, check in enumerate(spec.validate_.get(name, ())):
            bound += _in_check(("validate", name, index), check, name, batches)
        yield from _refused(bound, connection)
    for table in spec.transform:
        yield from islice(_refused(list(_chain(spec, table)), connection), 1)  # the rest builds on what is wrong


def _refused(bound: list[Bound], connection: duckdb.DuckDBPyConnection) -> Findings:
    """Ask for the queries that hold the others, as a chain's last does; only where one fails, for one after another."""
    whole = [each for index, each in enumerate(bound) if not any(each.sql in later.sql for later in bound[index + 1 :])]
    if all(_error(each, connection) is None for each in whole):
        return
    for each in bound:
        error = _error(each, connection)
        if error is not None:
            yield _told(each, error)


def _error(bound: Bound, connection: duckdb.DuckDBPyConnection) -> Exception | None:
    import duckdb

    try:
        connection.sql(bound.sql)  # binds and no more: a third of the time of DESCRIBE
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        return None if _OTHER_TABLE.search(str(error)) else error
    except duckdb.Error:
        return None  # it would be about values, and there are none yet
    return None


def _told(bound: Bound, error: Exception) -> Finding:
    column = _NO_COLUMN.search(str(error))
    if column is not None:
        own = [name for name in bound.columns if not name.startswith(RESERVED_PREFIX)]
        hint = known_words(column.group(1), own, what="the columns")
        return Finding(bound.steps, f"'{column.group(1)}' is no column here", hint)
    reason = duckdb_message(error).removeprefix("Binder Error: ").removeprefix("Catalog Error: ")
    return Finding(bound.steps, f"DuckDB refuses this: {reason}")


def _rows_of(spec: WorkflowSpec, name: str) -> Rows | None:
    """Give the batch of a source; None where it does not declare its columns."""
    source = spec.sources[name]
    if not source.columns:
        return None
    types = {column: declared.type for column, declared in source.columns.items()}
    types |= {column: str(carried.type) for column, carried in CARRIED.items()}
    if source.incremental is not None:
        types |= {column: str(carried.type) for column, carried in CURSOR.items()}
    nulls = ", ".join(f"CAST(NULL AS {kind}) AS {quote(column)}" for column, kind in types.items())
    return Rows(f"SELECT {nulls}", tuple(types))


def _chain(spec: WorkflowSpec, table: str) -> Iterator[Bound]:
    """Give the expressions of a table's stages, in order, as far as its columns are known."""
    source = base_source(spec, table)
    rows = _rows_of(spec, source) if source is not None else None
    for index, stage in enumerate(spec.transform[table].stages[:MAX_STAGES]):
        steps: Steps = ("transform", table, "stages", index)
        if rows is not None and stage.sql is not None:
            yield _query((*steps, "sql"), stage.sql, {table: rows})
        if rows is None or stage_kind(stage) in ("sql", "python", "unnest"):
            return
        if stage.check is not None:
            yield from _in_check((*steps, "check"), stage.check, table, {table: rows})
        elif stage.deduplicate is not None and stage.deduplicate.order_by is not None:
            ordered = rows.then("*", rest=f" ORDER BY {stage.deduplicate.order_by}\n")
            yield Bound((*steps, "deduplicate", "order_by"), ordered.sql, rows.columns)
        elif stage.filter is not None:
            filtered = rows.then("*", rest=f" WHERE ({stage.filter}\n)")
            yield Bound((*steps, "filter"), filtered.sql, rows.columns)
            rows = filtered
        else:
            for column, expression in (stage.derive or {}).items():
                derived = _with(rows, column, expression)
                yield Bound((*steps, "derive", column), derived.sql, rows.columns)
                rows = derived
            rows = _renamed(_shaped(rows, stage), stage)


def _in_check(steps: Steps, check: Check, own: str, tables: Mapping[str, Rows]) -> Iterator[Bound]:
    """Give a check's query and its `where`, which picks among the judged rows, or among those of the query."""
    judged = Bound(steps, f"FROM ({tables[own].sql}\n)", tables[own].columns)
    if check.sql is not None:
        judged = _query((*steps, "sql"), check.sql, tables)
        yield judged
    if check.where is not None:
        yield Bound((*steps, "where"), f"FROM ({judged.sql}\n) WHERE ({check.where}\n)", judged.columns)


def _query(steps: Steps, text: str, tables: Mapping[str, Rows]) -> Bound:
    """Let the names of tables in a query mean those that are known; of one that names others nothing will be said."""
    named = sorted(tables_named_in_sql(text, frozenset(tables)) & tables.keys())
    given = ", ".join(f"{quote(name)} AS ({tables[name].sql}\n)" for name in named)
    columns = dict.fromkeys(column for name in named for column in tables[name].columns)
    query = f"FROM ({text.rstrip().removesuffix(';')}\n)"
    return Bound(steps, f"WITH {given} {query}" if given else query, tuple(columns))


def _with(rows: Rows, column: str, expression: str) -> Rows:
    """Give the rows with a column more, or another one in its place."""
    if column.lower() in {name.lower() for name in rows.columns}:
        return rows.then(f"* REPLACE (({expression}\n) AS {quote(column)})")
    return rows.then(f"*, ({expression}\n) AS {quote(column)}", (*rows.columns, column))


def _shaped(rows: Rows, stage: Stage) -> Rows:
    """Give what the stages without expressions leave: other types, fewer columns, the moment of loading."""
    for column, kind in (stage.cast or {}).items():
        rows = _with(rows, column, f"CAST({quote(column)} AS {kind})")
    for column in stage.normalize_timestamps.columns if stage.normalize_timestamps is not None else ():
        rows = _with(rows, column, "CAST(NULL AS TIMESTAMPTZ)")
    if stage.add_timestamps is not None:
        rows = _with(rows, stage.add_timestamps.loaded_at, "CAST(NULL AS TIMESTAMPTZ)")
    gone = {name.lower() for name in stage.drop or ()}
    chosen = {name.lower() for name in stage.select} if stage.select is not None else None
    kept = tuple(
        name
        for name in rows.columns
        if name.lower() not in gone and (chosen is None or name.lower() in chosen or name.startswith(RESERVED_PREFIX))
    )
    return rows if kept == rows.columns else rows.then(", ".join(map(quote, kept)), kept)


def _renamed(rows: Rows, stage: Stage) -> Rows:
    if stage.rename is None:
        return rows
    names = {old.lower(): new for old, new in stage.rename.items()}
    columns = tuple(names.get(name.lower(), name) for name in rows.columns)
    pairs = zip(rows.columns, columns, strict=True)
    return replace(rows.then(", ".join(f"{quote(old)} AS {quote(new)}" for old, new in pairs)), columns=columns)
