"""Read one source once and land it as a batch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rich.filesize import decimal

from dataflow.duckdb_memory import OF_A_COPYING_THREAD, open_in_memory
from dataflow.errors import ContractError, InputError, StepError, TransientError
from dataflow.identifiers import quote
from dataflow.landing.batch import columns_of, write_batch
from dataflow.landing.manifest import Manifest
from dataflow.sources.contract.misfit import explained, is_about_data
from dataflow.sources.contract.rows import NO_VERDICT, NOTHING, Judge, Verdict
from dataflow.sources.read_source import read_source
from dataflow.sources.reading import Reading, select_of
from dataflow.sources.request import IngestRequest, SetAside
from dataflow.sources.so_far import SoFar
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
    with (
        _scratch(request) as scratch,
        open_in_memory(request.settings.memory, spill=scratch / "spill", of_a_thread=OF_A_COPYING_THREAD) as connection,
    ):
        readings = _with_sensitive(request, read_source(connection, request, scratch=scratch))
        manifest = _land(connection, request, readings=readings, scratch=scratch)
    size = decimal(manifest.bytes)
    request.log.info("landed %d rows of %s.%s, %s", manifest.rows, request.workflow, request.table, size)
    if manifest.discarded_rows:
        request.log.warning("left out %d rows that break the schema_contract", manifest.discarded_rows)
    if manifest.quarantined_rows:
        request.log.warning("put %d rows into quarantine", manifest.quarantined_rows)
    if manifest.cut_rows:
        request.log.info("left out %d rows outside of the range %s", manifest.cut_rows, request.cursor)
    return manifest


def _with_sensitive(request: IngestRequest, readings: Sequence[Reading]) -> list[Reading]:
    # What nobody declared may hold the same values, under the name that its column has now.
    hidden = {name for name, column in request.source.columns.items() if column.sensitive}
    return [reading.with_sensitive(hidden) for reading in readings] if hidden else list(readings)


def _land(
    connection: duckdb.DuckDBPyConnection, request: IngestRequest, *, readings: Sequence[Reading], scratch: Path
) -> Manifest:
    import duckdb

    judge = Judge(request.source.schema_contract, request.cursor_column, request.cursor)
    if not any(reading.undeclared for reading in readings):
        try:
            return _commit(connection, request, scratch, readings=readings, judge=judge)
        except duckdb.Error as error:
            if judge.contract.data_type == "freeze" or not is_about_data(error):
                _raise(connection, request, readings=readings, error=error)
    # Not all of it can be landed as it came: it is read once to see what that is, and again to land the rest.
    try:
        readings = [_held(connection, reading, number) for number, reading in enumerate(readings)]
        state = _state_of_files(readings)
        verdict = judge.look(connection, readings)
        for each in verdict.found:
            request.log.warning("%s: %s", request.table, each)
        return _commit(connection, request, scratch, readings=readings, judge=judge, verdict=verdict, state=state)
    except duckdb.Error as error:
        _raise(connection, request, readings=readings, error=error)


def _commit(
    connection: duckdb.DuckDBPyConnection,
    request: IngestRequest,
    scratch: Path,
    *,
    readings: Sequence[Reading],
    judge: Judge,
    verdict: Verdict = NO_VERDICT,
    state: Sequence[tuple[int, int]] | None = None,
) -> Manifest:
    rows = judge.select(readings, verdict) if state is not None else select_of(readings)
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
        with SoFar(request.table, request.log, request.watch).written_to(batch.drafts):
            landed = batch.copy(connection, query)
        cut = count_cut_rows(connection)
        aside = SetAside(verdict.quarantined_rows)
        if judge.quarantines and request.set_aside is not None:
            refused = judge.quarantined(readings, verdict) if verdict.quarantined_rows else NOTHING
            aside = request.set_aside(connection, refused, batch.columns, scratch)
            if aside.corrected is not None:
                landed += batch.copy(connection, aside.corrected)
            cut += aside.cut_rows
        if state is not None and _state_of_files(readings) != state:
            raise TransientError(f"{request.table}: its files were changed while they were read")
        return batch.commit(
            may=request.before_commit,
            cut_rows=cut,
            discarded_rows=verdict.refused_rows - verdict.quarantined_rows,
            quarantined_rows=aside.rows,
            absent=_absent(readings) if landed + cut + verdict.refused_rows else (),
            undeclared=_undeclared(readings),
            misfits=verdict.misfits,
            contract=judge.contract.model_dump(),
        )


def _held(connection: duckdb.DuckDBPyConnection, reading: Reading, number: int) -> Reading:
    """Give a reading that is the same however often it is read: who changes a database does not wait for us."""
    if reading.files:
        return reading
    held = f"dataflow_held_{number}"
    # Until there is more of it than fits into memory, it stays there; DuckDB spills the rest to scratch.
    connection.execute(f"create or replace temp table {held} as select * from {reading.relation}")
    return replace(reading, scan=lambda _: held)


def _undeclared(readings: Sequence[Reading]) -> tuple[str, ...]:
    """Give the columns that came, that nobody declared, and that are not landed."""
    names = ((*reading.left_out, *(column.name for column in reading.undeclared)) for reading in readings)
    return tuple(dict.fromkeys(name for each in names for name in each if name))


def _absent(readings: Sequence[Reading]) -> tuple[str, ...]:
    """Give the columns that are NULL in all rows because no reading has them."""
    there = {column.name for reading in readings for column in reading.columns if column.raw is not None}
    return tuple(dict.fromkeys(c.name for reading in readings for c in reading.columns if c.name not in there))


def _state_of_files(readings: Sequence[Reading]) -> list[tuple[int, int]]:
    stats = (file.path.stat() for reading in readings for file in reading.files)
    return [(stat.st_size, stat.st_mtime_ns) for stat in stats]


def _raise(
    connection: duckdb.DuckDBPyConnection,
    request: IngestRequest,
    *,
    readings: Sequence[Reading],
    error: duckdb.Error,
) -> NoReturn:
    cause = _cause(connection, request, readings=readings, error=error)
    if cause is None:
        raise error
    is_sensitive = any(column.sensitive for column in request.source.columns.values())
    # DuckDB's own words, which a traceback shows, may repeat a value.
    raise cause from None if is_sensitive else error


def _cause(
    connection: duckdb.DuckDBPyConnection,
    request: IngestRequest,
    *,
    readings: Sequence[Reading],
    error: duckdb.Error,
) -> StepError | None:
    if NULL_CURSOR not in str(error):
        return explained(connection, readings, error)
    import duckdb

    column = quote(request.cursor_column or "")
    try:
        missing, rows = connection.execute(
            f"select count(*) filter ({column} is null), count(*) from ({select_of(readings)})"
        ).fetchall()[0]
    except duckdb.Error as misfit:  # it is NULL where a value of another type was
        return explained(connection, readings, misfit)
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
