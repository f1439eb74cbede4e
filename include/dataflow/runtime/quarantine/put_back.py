"""Put rows from quarantine back into the batch that they were left out of, as far as they pass now."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import literal
from dataflow.landing.batch import Batch, write_batch
from dataflow.landing.current import current_manifest, set_current
from dataflow.landing.manifest import Manifest, read_manifest
from dataflow.ops.runs import RunRecord, lock_workflow
from dataflow.quarantine.corrections import insert_correction
from dataflow.quarantine.records import Quarantined
from dataflow.quarantine.replays import mark_replayed, place_batch, standing_batch
from dataflow.quarantine.store import REASONS, ROW, RULES, SetAside, record_rows, write_rows
from dataflow.runtime.quarantine.candidates import NUMBER, RECORD, Back, write_candidates
from dataflow.runtime.quarantine.corrected_file import record_view, view_record
from dataflow.runtime.quarantine.judge_again import judge_again, rows_of
from dataflow.runtime.quarantine.remember import write_corrections
from dataflow.runtime.quarantine.set_aside import open_writer
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.step import Step

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.interval import Interval

__all__ = ["PutBack", "put_back"]

PASSED = '"_dataflow_passed"'
AGAIN = '"_dataflow_again"'


@dataclass(frozen=True, slots=True)
class PutBack:
    """What a replay does with one table of one run."""

    run: RunRecord
    """The replay's own."""
    base: str
    """The manifest that the run's own task left."""
    records: Sequence[Quarantined] = ()
    """What comes back; none where an interrupted replay did that already and the rest is left to do."""
    corrected: Path | None = None
    """A file of corrected rows, of the one record that comes back."""
    read_range: Interval | None = None
    """Of an incremental source: what the run read."""
    rest: Interval | None = None
    """Of it, what no later run has read again; only that is loaded."""


@dataclass(slots=True)
class _Told:
    passed: int = 0
    failed: int = 0
    read_again: int = 0
    aside: dict[int, SetAside | None] = field(default_factory=dict)
    """By record, the rows that failed again."""
    corrected: dict[int, Manifest | None] = field(default_factory=dict)
    """By record, what the rows that came back had been and are now."""


def put_back(step: Step, table: str, *, asked: PutBack) -> StepReceipt:
    """Judge the rows, put those that pass into a new batch, and let that stand for the run's, in one transaction.

    The receipt names what is to be loaded; it is skipped where no row passed.

    Raises:
        DataQualityError: when a check of the whole table fails with these rows; nothing has changed then.
        TransientError: when somebody else replayed the same rows meanwhile.
    """
    with step.scratch() as folder:
        with step.history.read() as connection:
            standing = read_manifest(standing_batch(connection, asked.base))
        told = _Told()
        if asked.records:
            standing, told = _placed(step, table, asked=asked, standing=standing, folder=folder)
        _show(step, table, standing)
        to_load = standing
        if asked.rest is not None and asked.rest != asked.read_range:
            to_load = _restricted(step, table, standing, rest=asked.rest, folder=folder)
    nothing = bool(asked.records) and not told.passed
    return step.receipt_of(
        to_load,
        table=table,
        rows=told.passed,
        rows_in=told.passed + told.failed + told.read_again,
        quarantined=told.failed or None,
        skipped="no row passed, so there is nothing to load" if nothing else None,
    )


def _placed(step: Step, table: str, *, asked: PutBack, standing: Manifest, folder: Path) -> tuple[Manifest, _Told]:
    """Give the batch with the rows that pass, the standing one where none does, and what became of each row."""
    candidates, refused, told = folder / "candidates.parquet", folder / "refused.parquet", _Told()
    with open_writer(step, folder) as writer:
        back = Back(
            source=step.workflow.spec.sources[table],
            columns=standing.columns,
            run_id=str(asked.run.replay_of),
            window=step.window,
            read_range=asked.read_range,
            rest=asked.rest,
        )
        for record in asked.records:
            forms = back.number_forms if record.key.stage == "ingest" else {}
            view_record(writer, record, corrected=asked.corrected, forms=forms, folder=folder)
        write_candidates(writer, asked.records, back=back, into=candidates)
        judge_again(step, table, standing=standing, candidates=candidates, refused=refused, folder=folder)
        told.passed, told.failed, told.read_again = _verdicts(writer, candidates, refused)
        for record in asked.records:
            told.aside[record.id] = _set_aside_again(step, writer, record, candidates=candidates, folder=folder)
            told.corrected[record.id] = write_corrections(step, writer, record, passed=PASSED, folder=folder)
        manifest = standing
        if told.passed:
            manifest = _write(step, table, writer, asked=asked, standing=standing, folder=folder)
    _record(step, table, asked=asked, built_on=standing, manifest=manifest, told=told)
    return manifest, told


def _record(step: Step, table: str, *, asked: PutBack, built_on: Manifest, manifest: Manifest, told: _Told) -> None:
    """Write what became of each row into run history, all of it or nothing."""
    numbers = [record.id for record in asked.records]
    with step.history.write() as connection:
        lock_workflow(connection, step.workflow.name)
        mark_replayed(connection, numbers, by=asked.run.run_id)
        if told.passed:
            place_batch(
                connection,
                asked.run,
                table=table,
                numbers=numbers,
                rows=told.passed,
                base=asked.base,
                built_on=built_on.uri,
                uri=manifest.uri,
            )
        for record in asked.records:
            record_rows(connection, record.key, told.aside[record.id], from_id=record.id)
            if (corrected := told.corrected[record.id]) is not None:
                insert_correction(
                    connection,
                    record.key,
                    quarantine_id=record.id,
                    replayed_by=asked.run.run_id,
                    rows=corrected.rows,
                    uri=corrected.uri,
                )


def _verdicts(writer: DuckDBPyConnection, candidates: Path, refused: Path) -> tuple[int, int, int]:
    """Tell the candidates apart: the rows that pass, those that failed again, and those that a later run read."""
    rows = f"read_parquet({literal(str(candidates))})"
    refusals = f"SELECT {ROW}, {RULES}, {REASONS} FROM read_parquet({literal(str(refused))})"
    own = f"SELECT {ROW}, rules AS {RULES}, reasons AS {REASONS} FROM {rows} WHERE len(rules) > 0"
    writer.execute(f"CREATE OR REPLACE TEMP TABLE {AGAIN} AS {own} UNION ALL {refusals}")
    writer.execute(
        f"CREATE OR REPLACE TEMP VIEW {PASSED} AS SELECT * EXCLUDE (rules, reasons, read_again) FROM {rows} "
        f"WHERE NOT read_again AND {ROW} NOT IN (SELECT {ROW} FROM {AGAIN})"
    )
    counted = writer.execute(
        f"SELECT (SELECT count(*) FROM {PASSED}), (SELECT count(*) FROM {AGAIN}), "
        f"(SELECT count(*) FROM {rows} WHERE read_again AND {ROW} NOT IN (SELECT {ROW} FROM {AGAIN}))"
    ).fetchone()
    passed, failed, read_again = counted or (0, 0, 0)
    return int(passed), int(failed), int(read_again)


def _set_aside_again(
    step: Step, writer: DuckDBPyConnection, record: Quarantined, *, candidates: Path, folder: Path
) -> SetAside | None:
    """Write the files of the record's rows that failed again, as they were judged."""
    rows = f"(SELECT {ROW}, {RECORD}, {NUMBER} FROM read_parquet({literal(str(candidates))}))"
    query = (
        f"SELECT raw.* EXCLUDE ({ROW}, {RULES}, {REASONS}), again.{RULES}, again.{REASONS} "
        f"FROM {record_view(record)} AS raw JOIN {rows} AS judged "
        f"ON judged.{RECORD} = {record.id} AND judged.{NUMBER} = raw.{ROW} "
        f"JOIN {AGAIN} AS again ON again.{ROW} = judged.{ROW} ORDER BY judged.{ROW}"
    )
    return write_rows(step.settings.landing, record.key, connection=writer, query=query, scratch=folder)


def _write(
    step: Step, table: str, writer: DuckDBPyConnection, *, asked: PutBack, standing: Manifest, folder: Path
) -> Manifest:
    """Write the batch of the rows that stand and those that came back, and give its manifest."""
    stands = f"SELECT * FROM {rows_of(step, standing, folder)}"
    with _open_batch(step, table, run_id=str(asked.run.replay_of), folder=folder) as batch:
        batch.copy(
            writer,
            f"{stands} UNION ALL BY NAME SELECT * EXCLUDE ({ROW}, {RECORD}, {NUMBER}) FROM {PASSED}",
        )
        return batch.commit(cut_rows=standing.cut_rows, current=False)


def _show(step: Step, table: str, standing: Manifest) -> None:
    """Let others see the batch that stands for the run's, unless another run's is newer; also what was interrupted."""
    landing = step.settings.landing

    def is_the_runs() -> bool:
        current = current_manifest(landing, step.workflow.name, table, step.window)
        return current is not None and current.run_id == standing.run_id and current.uri != standing.uri

    if is_the_runs():
        set_current(landing, standing, may=is_the_runs)


def _restricted(step: Step, table: str, standing: Manifest, *, rest: Interval, folder: Path) -> Manifest:
    """Write the part of the batch whose cursor lies in what no later run has read."""
    inside = (
        f"_dataflow_cursor >= TIMESTAMPTZ {literal(rest.start.isoformat())} "
        f"AND _dataflow_cursor < TIMESTAMPTZ {literal(rest.end.isoformat())}"
    )
    with (
        open_writer(step, folder) as writer,
        _open_batch(step, table, run_id=step.request.run_id, folder=folder) as batch,
    ):
        batch.copy(writer, f"SELECT * FROM {rows_of(step, standing, folder)} WHERE {inside}")
        return batch.commit(current=False)


def _open_batch(step: Step, table: str, *, run_id: str, folder: Path) -> AbstractContextManager[Batch]:
    return write_batch(
        step.settings.landing,
        workflow=step.workflow.name,
        table=table,
        window=step.window,
        run_id=run_id,
        try_number=step.request.try_number,
        scratch=folder,
    )
