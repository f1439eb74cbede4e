"""Loading a staged batch into its table: `replace`, `append` or `merge`, one transaction, any number of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dataflow.errors import ContractError, FatalError
from dataflow.identifiers import literal, moment, quote
from dataflow.interval import Interval
from dataflow.landing.scan import scan_of
from dataflow.sensitive import NOTHING_SENSITIVE, Sensitive
from dataflow.warehouse.append import CURSOR, append_rows
from dataflow.warehouse.columns import columns_of, columns_of_query, is_own_column, reconcile
from dataflow.warehouse.lake import is_lake
from dataflow.warehouse.merge import merge_rows
from dataflow.warehouse.schemas import LOADS, create_own_tables, staging_schema, tables_in
from dataflow.warehouse.transaction import transact

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

__all__ = ["LoadRequest", "LoadResult", "load"]

BATCH = '"_dataflow_batch"'


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """Which rows to load where, and what the read that gave them covers."""

    workflow: str
    table: str
    mode: Literal["replace", "append", "merge"]
    run_id: str
    window: Interval
    parquet: list[str]
    """The staged files; at least one, which may have no rows."""
    key: tuple[str, ...] = ()
    newest_by: str | None = None
    cursor: Interval | None = None
    """The range that was read, of an incremental source."""
    windowed: bool = False
    """Whether two runs of different windows give different rows."""
    anew: bool = False
    """Of ``replace``: the rows were made of what is loaded now, whichever run asked for it."""
    sensitive: Sensitive = NOTHING_SENSITIVE
    """What no error may tell."""

    @property
    def name(self) -> str:
        """The table as messages say it: ``shop.orders``."""
        return f"{self.workflow}.{self.table}"

    @property
    def relation(self) -> str:
        """The table as SQL says it."""
        return quote(staging_schema(self.workflow), self.table)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load did."""

    rows_in: int
    rows_written: int
    rows_after: int
    skipped: str | None = None
    """Why nothing was loaded; None where it was."""


def load(
    connection: DuckDBPyConnection, request: LoadRequest, *, before_commit: Callable[[], None] = lambda: None
) -> LoadResult:
    """Bring the batch into its table, all of it or nothing.

    Loading a run again gives the same rows. The columns ``_dataflow_run``, ``_dataflow_window_start`` and
    ``_dataflow_window_end`` are this run's, whatever the batch says of them: a later load finds by them what it covers.

    Args:
        connection: Of the warehouse; on a lake, in the table's turn.
        request: What to load.
        before_commit: Called as the last thing of each transaction; an error of it leaves the table as it is.

    Raises:
        ContractError: when the batch breaks the table's contract: key, cursor, ``newest_by``, types.
        TransientError: when another transaction wrote the same table.
    """

    def bring() -> LoadResult:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(staging_schema(request.workflow))}")
        create_own_tables(connection)
        batch = _view_batch(connection, request)
        exists = request.table in tables_in(connection, staging_schema(request.workflow))
        skipped = _newer_replace(connection, request) if exists and _replaces_a_run(request) else None
        written = 0 if skipped else _write(connection, request, batch=batch, exists=exists)
        result = LoadResult(_count(connection, BATCH), written, _count(connection, request.relation), skipped)
        connection.execute(f"DROP VIEW {BATCH}")
        before_commit()
        return result

    return transact(connection, bring)


def _write(connection: DuckDBPyConnection, request: LoadRequest, *, batch: dict[str, str], exists: bool) -> int:
    loaded = columns_of(connection, request.relation) if exists else {}
    wanted = reconcile(request.workflow, request.table, loaded, batch, rows_stay=request.mode != "replace")
    if request.mode == "replace":
        if not exists:
            _forget_loads(connection, request)
        return _replace(connection, request, batch=batch, wanted=wanted)
    if exists:
        _alter(connection, request.relation, loaded=loaded, wanted=wanted)
    else:
        connection.execute(f"CREATE TABLE {request.relation} AS FROM {BATCH} WITH NO DATA")
    if request.mode == "append":
        return append_rows(
            connection,
            request.relation,
            batch=BATCH,
            columns=batch,
            name=request.name,
            run_id=request.run_id,
            window=request.window if request.windowed else None,
            cursor=request.cursor,
        )
    if (request.windowed or request.cursor) and not request.newest_by:
        raise ContractError(
            f"{request.name}: `merge` of a windowed or incremental source needs `newest_by`: "
            "the column that says which of two rows of one key is newer"
        )
    return merge_rows(
        connection,
        request.relation,
        batch=BATCH,
        columns=batch,
        name=request.name,
        key=request.key,
        newest_by=request.newest_by,
        sensitive=request.sensitive,
    )


def _view_batch(connection: DuckDBPyConnection, request: LoadRequest) -> dict[str, str]:
    """Make the staged rows a view, with this run's own columns; give its columns."""
    if not request.parquet:
        raise FatalError(f"{request.name}: no staged file to load; a batch without rows is a file without rows")
    staged = scan_of(request.parquet, by_name=True)
    columns = columns_of_query(connection, f"SELECT * FROM {staged}")
    kept = [name for name in columns if not is_own_column(name) or name == CURSOR]
    if not any(not is_own_column(name) for name in kept):
        raise ContractError(f"{request.name}: the batch has no column")
    own = [
        f"{literal(request.run_id)} AS _dataflow_run",
        f"{moment(request.window.start)} AS _dataflow_window_start",
        f"{moment(request.window.end)} AS _dataflow_window_end",
    ]
    selected = ", ".join([*(quote(name) for name in kept), *own])
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {BATCH} AS SELECT {selected} FROM {staged}")
    return columns_of(connection, BATCH)


def _replace(
    connection: DuckDBPyConnection, request: LoadRequest, *, batch: dict[str, str], wanted: dict[str, str]
) -> int:
    given = {name.lower(): name for name in batch}
    selected = ", ".join(
        f"CAST({quote(given[name.lower()]) if name.lower() in given else 'NULL'} AS {kind}) AS {quote(name)}"
        for name, kind in wanted.items()
    )
    connection.execute(f"CREATE OR REPLACE TABLE {request.relation} AS SELECT {selected} FROM {BATCH}")
    if request.anew:
        return _count(connection, request.relation)
    connection.execute(
        f"INSERT INTO {LOADS} VALUES ({literal(request.workflow)}, {literal(request.table)}, "
        f"{literal(request.run_id)}, {moment(request.window.start)}, {moment(request.window.end)})"
    )
    return _count(connection, request.relation)


def _forget_loads(connection: DuckDBPyConnection, request: LoadRequest) -> None:
    """Forget what was loaded into a table that somebody dropped; else nothing is deleted, see `builds.stamp`."""
    ours = _of_this_table(request)
    if connection.execute(f"SELECT 1 FROM {LOADS} WHERE {ours} LIMIT 1").fetchone():
        connection.execute(f"DELETE FROM {LOADS} WHERE {ours}")


def _of_this_table(request: LoadRequest) -> str:
    return f"workflow = {literal(request.workflow)} AND table_name = {literal(request.table)}"


def _replaces_a_run(request: LoadRequest) -> bool:
    return request.mode == "replace" and not request.anew


def _newer_replace(connection: DuckDBPyConnection, request: LoadRequest) -> str | None:
    """Tell of a run with a later window that replaced the table already."""
    newer = connection.execute(
        f"SELECT run_id FROM {LOADS} WHERE {_of_this_table(request)} "
        f"AND window_end > {moment(request.window.end)} ORDER BY window_end DESC LIMIT 1"
    ).fetchone()
    if newer is None:
        return None
    return f"{request.name} holds the rows of run {newer[0]}, whose window ends later; this older run replaces nothing"


def _alter(connection: DuckDBPyConnection, relation: str, *, loaded: dict[str, str], wanted: dict[str, str]) -> None:
    if any(wanted[name] != kind for name, kind in loaded.items()) and is_lake(connection):
        # DuckLake 1.0 misreads rows that are inserted in the transaction that changed a column's type: rewrite them.
        selected = ", ".join(
            f"CAST({quote(name) if name in loaded else 'NULL'} AS {kind}) AS {quote(name)}"
            for name, kind in wanted.items()
        )
        connection.execute(f"CREATE OR REPLACE TABLE {relation} AS SELECT {selected} FROM {relation}")
        return
    for name, kind in wanted.items():
        if name not in loaded:
            connection.execute(f"ALTER TABLE {relation} ADD COLUMN {quote(name)} {kind}")
        elif loaded[name] != kind:
            connection.execute(f"ALTER TABLE {relation} ALTER COLUMN {quote(name)} SET DATA TYPE {kind}")


def _count(connection: DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(row[0]) if row else 0
