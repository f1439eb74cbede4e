"""Read one source once and land it as a batch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import ContractError, InputError, StepError
from dataflow.identifiers import literal, quote
from dataflow.landing.batch import columns_of, write_batch
from dataflow.landing.manifest import Manifest
from dataflow.sources.misfit import explained
from dataflow.sources.read_source import read_source
from dataflow.sources.reading import Reading, select_of
from dataflow.sources.request import IngestRequest
from dataflow.sources.stamp import NULL_CURSOR, count_cut_rows, prepare_cut, stamped

if TYPE_CHECKING:
    import duckdb

__all__ = ["IngestRequest", "ingest"]


def ingest(request: IngestRequest) -> Manifest:
    """Read the source and commit its rows as a batch of the run's window.

    Rows outside of the cursor's range are cut, counted and logged. Nothing is visible unless all went well.

    Raises:
        ContractError: when the data is not what the config promises; the text names file, line and column.
        TransientError: when a file could not be read this time.
    """
    if request.cursor_column is not None and request.cursor is None:
        raise InputError(f"{request.workflow}.{request.table} is incremental: say which range to read")
    with _scratch(request) as scratch, _connect(scratch) as connection:
        readings = read_source(connection, request, scratch=scratch)
        manifest = _land(connection, request, readings=readings, scratch=scratch)
    request.log.info("landed %d rows of %s.%s", manifest.rows, request.workflow, request.table)
    if manifest.cut_rows:
        request.log.info("left out %d rows outside of the range %s", manifest.cut_rows, request.cursor)
    return manifest


def _land(
    connection: duckdb.DuckDBPyConnection, request: IngestRequest, *, readings: Sequence[Reading], scratch: Path
) -> Manifest:
    import duckdb

    rows = select_of(readings)
    try:
        query = stamped(
            rows,
            columns=columns_of(connection, rows),
            run_id=request.run_id,
            window=request.window,
            cursor_column=request.cursor_column,
            cursor=request.cursor,
        )
        prepare_cut(connection)
        with write_batch(
            request.settings.landing,
            workflow=request.workflow,
            table=request.table,
            window=request.window,
            run_id=request.run_id,
            try_number=request.try_number,
            scratch=scratch,
        ) as batch:
            batch.copy(connection, query)
            return batch.commit(cut_rows=count_cut_rows(connection))
    except duckdb.Error as error:
        cause = _cause(connection, request, readings=readings, error=error)
        if cause is None:
            raise
        raise cause from error


def _cause(
    connection: duckdb.DuckDBPyConnection,
    request: IngestRequest,
    *,
    readings: Sequence[Reading],
    error: duckdb.Error,
) -> StepError | None:
    if NULL_CURSOR not in str(error):
        return explained(connection, readings, error)
    column = quote(request.cursor_column or "")
    counted = connection.execute(
        f"select count(*) filter ({column} is null), count(*) from ({select_of(readings)})"
    ).fetchone()
    missing, rows = counted or (0, 0)
    return ContractError(
        f'{request.table}: the cursor column "{request.cursor_column}" is NULL in {missing} of {rows} rows; '
        "without it nobody can say which run they belong to"
    )


@contextmanager
def _scratch(request: IngestRequest) -> Iterator[Path]:
    top = request.settings.scratch
    top.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"ingest-{request.workflow}-{request.table}-", dir=top) as folder:
        yield Path(folder)


@contextmanager
def _connect(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    with duckdb.connect(
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    ) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set temp_directory = {literal(str(scratch / 'spill'))}")
        yield connection
