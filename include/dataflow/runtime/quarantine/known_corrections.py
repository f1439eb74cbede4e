"""Rows that come as bad as before, corrected as a replay once had them corrected, before they are set aside again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import literal, quote
from dataflow.landing.manifest import local_files, read_manifest
from dataflow.landing.scan import scan_of
from dataflow.ops.stages import record_anomaly
from dataflow.quarantine.corrections import Correction, list_corrections, mark_used
from dataflow.quarantine.fingerprint import ORIGIN, earlier_fingerprint, fingerprint
from dataflow.quarantine.store import ROW
from dataflow.queries import columns_of_query
from dataflow.runtime.quarantine.candidates import NUMBER, RECORD, Back, cast_rows
from dataflow.runtime.quarantine.later_reads import reads_again
from dataflow.runtime.recording import stage_key
from dataflow.runtime.step import Step

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.quarantine.records import QuarantineStage

__all__ = ["Corrected", "correct_known", "known_corrections", "tell_of_corrected"]

CORRECTED = "CORRECTED"
"""The category under which run history keeps that rows were corrected as before."""
KNOWN = '"_dataflow_known"'
KNOWN_ID = '"_dataflow_correction_id"'
CANDIDATES = '"_dataflow_corrected"'
ELSEWHERE = "_dataflow_elsewhere"


@dataclass(frozen=True, slots=True)
class Corrected:
    """Refused rows of which it is known what they should be; each is `ROW` of the refused one."""

    file: Path
    """Their rows as the batch has them, and whether each is `ELSEWHERE`."""
    by: Mapping[int, int]
    """For each row that belongs to this run the correction."""
    elsewhere: int
    """How many are, corrected, no longer within the range of this run: the load of another run has them."""

    @property
    def rows(self) -> str:
        """The query of the corrected rows of this run, with their numbers as `ROW`."""
        return f"SELECT * EXCLUDE ({ELSEWHERE}) FROM {self._scan} WHERE NOT {ELSEWHERE}"

    def without(self, rows: str) -> str:
        """Give the query for rows without those that are corrected."""
        return f"SELECT * FROM ({rows}) WHERE {ROW} NOT IN (SELECT {ROW} FROM {self._scan})"

    def among(self, rows: str) -> str:
        """Give the query for rows with the corrected ones in the place of the refused."""
        return f"{self.without(rows)} UNION ALL BY NAME {self.rows}"

    @property
    def _scan(self) -> str:
        return f"read_parquet({literal(str(self.file.absolute()))})"


def known_corrections(step: Step, table: str, *, stage: QuarantineStage) -> list[Correction]:
    """Give the corrections of rows that this run may read again, the newest first; hardly ever are there any."""
    return [
        each
        for each in list_corrections(step.history, workflow=step.workflow.name, table=table)
        if each.stage == stage
        and reads_again(
            step.workflow, table, run_id=step.request.run_id, window=step.window, of_run=each.run_id, of=each.window
        )
    ]


def correct_known(
    step: Step,
    table: str,
    connection: DuckDBPyConnection,
    *,
    known: Sequence[Correction],
    refused: str,
    columns: Mapping[str, str],
    folder: Path,
) -> Corrected | None:
    """Find what the refused rows should be, as far as that is known and fits; None where nothing is known.

    Run history keeps of each correction that knows one of the rows that this run came upon it, whatever becomes of
    the row then.

    Args:
        step: In which they were refused.
        table: Of which source.
        connection: Reads and writes files; no SQL of an author's runs on it.
        known: The corrections, the newest first.
        refused: A query of the refused rows, with their numbers as `ROW`.
        columns: Names and types of the batch.
        folder: Where files are written and copied to.
    """
    _look_up(connection, known, refused=refused, folder=folder)
    _mark_met(step, connection)
    read_range = step.run.ranges.get(table)
    back = Back(
        source=step.workflow.spec.sources[table],
        columns=columns,
        run_id=step.request.run_id,
        window=step.window,
        read_range=read_range,
        rest=read_range,
    )
    cast = cast_rows(connection, KNOWN, stage=known[0].stage, record=KNOWN_ID, back=back)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {CANDIDATES} AS {cast}")
    outside = "rules = ['incremental.cursor'] AND _dataflow_cursor IS NOT NULL" if read_range is not None else "false"
    fits = connection.execute(f"SELECT {NUMBER}, {RECORD} FROM {CANDIDATES} WHERE len(rules) = 0").fetchall()
    elsewhere = connection.execute(f"SELECT count(*) FROM {CANDIDATES} WHERE {outside}").fetchone() or (0,)
    if not fits and not elsewhere[0]:
        return None
    file = folder / "corrected.parquet"
    connection.execute(
        f"COPY (SELECT * EXCLUDE ({NUMBER}, {RECORD}, rules, reasons, read_again), {NUMBER} AS {ROW}, "
        f"{outside} AS {ELSEWHERE} FROM {CANDIDATES} WHERE len(rules) = 0 OR {outside}) "
        f"TO {literal(str(file))} (FORMAT parquet)"
    )
    return Corrected(file, dict(fits), elsewhere[0])


def tell_of_corrected(step: Step, table: str, *, by: Sequence[int], stage: QuarantineStage) -> None:
    """Say in the log and in run history how many rows were corrected, by which corrections."""
    if not by:
        return
    rows = "1 row was" if len(by) == 1 else f"{len(by)} rows were"
    which = ", ".join(str(number) for number in sorted(set(by)))
    message = (
        f"{table}: {rows} as bad as before, and corrected as before; `dataflow quarantine corrections` shows how "
        f"that came (id {which})"
    )
    step.request.log.warning("%s", message)
    name = "INGESTED" if stage == "ingest" else "VALIDATED"
    key = stage_key(step.workflow, step.request, stage=name, table=table)  # type: ignore[arg-type]  # one of the names
    record_anomaly(step.history, key, category=CORRECTED, message=message, severity="info")


def _mark_met(step: Step, connection: DuckDBPyConnection) -> None:
    """Keep the corrections that know one of the rows from being taken for ones that no run needs any more."""
    met = [number for (number,) in connection.execute(f"SELECT DISTINCT {KNOWN_ID} FROM {KNOWN}").fetchall()]
    if met:
        with step.history.write() as transaction:
            mark_used(transaction, met, by=step.request.run_id)


def _look_up(connection: DuckDBPyConnection, known: Sequence[Correction], *, refused: str, folder: Path) -> None:
    """Make a table of what the refused rows should be, each as the newest correction says that knows it."""
    parts = []
    for each in known:
        files = local_files(read_manifest(each.uri), folder / "corrections" / str(each.id))
        parts.append(f"SELECT {each.id} AS {KNOWN_ID}, * FROM {scan_of(files)}")
    columns = columns_of_query(connection, refused)
    origins = f"unnest([{fingerprint(columns)}, {earlier_fingerprint(columns)}]) AS {ORIGIN}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {KNOWN} AS SELECT known.* EXCLUDE ({ORIGIN}), refused.{quote(ROW)} "
        f"FROM ({' UNION ALL BY NAME '.join(parts)}) AS known "
        f"JOIN (SELECT {ROW}, {origins} FROM ({refused})) AS refused USING ({ORIGIN}) "
        f"QUALIFY row_number() OVER (PARTITION BY refused.{quote(ROW)} ORDER BY {KNOWN_ID} DESC) = 1"
    )
