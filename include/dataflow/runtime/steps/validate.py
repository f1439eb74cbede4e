"""Validate: judge this run's batch of one table, before anything of it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import literal
from dataflow.landing.manifest import Manifest
from dataflow.quality.judge import judge, reads_of_checks
from dataflow.quality.outcome import CheckOutcome, raise_on_failures
from dataflow.quarantine.corrections import Correction
from dataflow.quarantine.store import ROW
from dataflow.quarantine.superseding import supersede_earlier
from dataflow.runtime.quarantine.known_corrections import (
    Corrected,
    correct_known,
    known_corrections,
    tell_of_corrected,
)
from dataflow.runtime.quarantine.set_aside import (
    Refused,
    let_mean,
    numbered_rows,
    open_writer,
    quarantine_key,
    without_refused,
)
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.recording import stage_key
from dataflow.runtime.step import Step
from dataflow.runtime.steps.authored_checks import judged_by_author
from dataflow.runtime.steps.checks import keep_outcomes, lookup_tables, past_of, view_of_files
from dataflow.runtime.steps.declared import require_declared
from dataflow.sensitive import sensitive_in_batch
from dataflow.spec.checks import Check
from dataflow.spec.tables import tables_named_in_sql
from dataflow.transforms.connection import open_scratch
from dataflow.warehouse.extract import extract

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["batches_read", "judge_batch", "lookups_of", "validate_table"]

REFUSES = frozenset({"quarantined", "failed"})
"""The outcomes of a check that refuses rows, be they too many to be set aside."""


def validate_table(step: Step, table: str) -> StepReceipt:
    """Judge the batch; the receipt names the manifest that later steps read.

    Checks with ``on_fail: quarantine`` judge the whole batch, every other check what they left.

    Raises:
        ContractError: when the config declares a column since the batch was landed.
        DataQualityError: when a check failed or could not be judged, unless it only warns; nothing is quarantined then.
    """
    spec = step.workflow.spec
    checks = spec.validate_.get(table, ())
    batch = step.ingested(table)
    require_declared(step, batch)
    with step.scratch() as folder:
        batches = {table: batch} | {name: step.ingested(name) for name in batches_read(step, checks) - {table}}
        views = {name: step.files(manifest, folder) for name, manifest in batches.items()}
        rows, refused = numbered_rows(batch, views[table]), folder / "refused.parquet"
        with open_scratch(folder, memory=step.settings.memory, views=views) as connection:
            lookups = lookups_of(step, connection, checks=checks, batches=batches, folder=folder)
            verdict = _judged(step, connection, table, batch=batch, rows=rows, lookups=lookups, refused=refused)
            authored = judged_by_author(step, table, connection=connection)
        keep_outcomes(step, table, checks=checks, outcomes=[*verdict.outcomes, *authored.outcomes], stage="VALIDATED")
        if authored.error is not None:
            raise authored.error
        raise_on_failures(table, [*verdict.outcomes, *authored.outcomes])
        left = _left(step, table, batch=batch, rows=rows, verdict=verdict, refused=refused, folder=folder)
    tell_of_corrected(step, table, by=verdict.corrected_by, stage="validate")
    return step.receipt_of(
        left,
        table=table,
        rows_in=batch.rows,
        quarantined=verdict.refused or None,
        corrected=len(verdict.corrected_by) or None,
    )


@dataclass(slots=True)
class _Verdict:
    outcomes: list[CheckOutcome]
    """In the config's order."""
    refused: int = 0
    """Rows that go to quarantine; a file names them."""
    corrected: Corrected | None = None
    """What refused rows are known to be since a replay corrected the very same ones."""
    corrected_by: Sequence[int] = ()
    """For each corrected row that passed the correction."""


def _judged(
    step: Step,
    connection: DuckDBPyConnection,
    table: str,
    *,
    batch: Manifest,
    rows: str,
    lookups: dict[str, str],
    refused: Path,
) -> _Verdict:
    """Judge every check; which rows are refused is written to a file, if any are."""
    checks = step.workflow.spec.validate_.get(table, ())
    setting_aside = [index for index, check in enumerate(checks) if check.on_fail == "quarantine"]
    found: dict[int, CheckOutcome] = {}
    verdict = _Verdict([])
    if setting_aside:
        refuse = partial(_refuse, step, connection, table, among=setting_aside, lookups=lookups)
        found, told = refuse(rows=rows)
        if any(each.status in REFUSES for each in found.values()) and (
            known := known_corrections(step, table, stage="validate")
        ):
            _, told = refuse(rows=rows, also=REFUSES)
            told.write(refused)
            verdict.corrected = _corrected(step, table, known, batch=batch, rows=rows, refused=refused)
            rows = verdict.corrected.among(rows) if verdict.corrected else rows
            found, told = refuse(rows=rows)
        verdict.refused = told.count()
        if verdict.corrected is not None:
            again = told.numbers()
            verdict.corrected_by = [by for row, by in verdict.corrected.by.items() if row not in again]
        if verdict.refused or verdict.corrected:
            told.write(refused)
        told.hide(table, rows=rows)
    others = [index for index in range(len(checks)) if index not in found]
    judged = judge_batch(step, connection, table, [checks[index] for index in others], lookups=lookups)
    found.update(zip(others, judged, strict=True))
    verdict.outcomes = [found[index] for index in range(len(checks))]
    return verdict


def _refuse(
    step: Step,
    connection: DuckDBPyConnection,
    table: str,
    *,
    rows: str,
    among: Sequence[int],
    lookups: dict[str, str],
    also: frozenset[str] = frozenset({"quarantined"}),
) -> tuple[dict[int, CheckOutcome], Refused]:
    """Judge the checks that set rows aside, and note the rows of those that came to one of these outcomes."""
    checks = step.workflow.spec.validate_.get(table, ())
    let_mean(connection, table, rows=rows)
    judged = judge_batch(step, connection, table, [checks[index] for index in among], lookups=lookups)
    found = dict(zip(among, judged, strict=True))
    told = Refused(connection, sensitive_in_batch(step.workflow.spec, table))
    for index, outcome in found.items():
        if outcome.status in also:
            found[index] = told.add(table, checks[index], outcome, window=step.window, tables=lookups)
    return found, told


def _corrected(
    step: Step, table: str, known: Sequence[Correction], *, batch: Manifest, rows: str, refused: Path
) -> Corrected | None:
    with open_writer(step, refused.parent) as writer:
        return correct_known(
            step,
            table,
            writer,
            known=known,
            refused=f"SELECT * FROM ({rows}) SEMI JOIN read_parquet({literal(str(refused))}) USING ({ROW})",
            columns=batch.columns,
            folder=refused.parent,
        )


def judge_batch(
    step: Step, connection: DuckDBPyConnection, table: str, checks: Sequence[Check], *, lookups: dict[str, str]
) -> list[CheckOutcome]:
    """Judge what the table's name means by now."""
    key = stage_key(step.workflow, step.request, stage="VALIDATED", table=table)
    return judge(
        connection,
        table,
        checks,
        window=step.window,
        tables=lookups,
        past=past_of(step.history, key, window=step.window, is_batch=True),
        sensitive=sensitive_in_batch(step.workflow.spec, table),
    )


def _left(
    step: Step, table: str, *, batch: Manifest, rows: str, verdict: _Verdict, refused: Path, folder: Path
) -> Manifest:
    if verdict.refused or verdict.corrected:
        corrected = verdict.corrected.among(rows) if verdict.corrected else None
        elsewhere = verdict.corrected.elsewhere if verdict.corrected else 0
        if elsewhere:
            outside = step.run.ranges.get(table)
            step.request.log.info("left out %d rows that are, corrected, outside of the range %s", elsewhere, outside)
        return without_refused(
            step,
            table,
            batch=batch,
            rows=rows,
            corrected=corrected,
            elsewhere=elsewhere,
            refused=refused,
            folder=folder,
        )
    supersede_earlier(step.history, quarantine_key(step, table, stage="validate"))
    return batch


def batches_read(step: Step, checks: tuple[Check, ...]) -> frozenset[str]:
    """Give the sources whose batch the checks name, in a query or to look up."""
    sources = frozenset(step.workflow.spec.sources)
    named = [tables_named_in_sql(check.sql, sources) for check in checks if check.sql]
    return frozenset().union(reads_of_checks(checks) & sources, *named)


def lookups_of(
    step: Step,
    connection: DuckDBPyConnection,
    *,
    checks: tuple[Check, ...],
    batches: dict[str, Manifest],
    folder: Path,
) -> dict[str, str]:
    """Give for each table that is looked up the relation of the keys that are loaded or in a batch."""
    wanted = reads_of_checks(checks)
    copies = extract(
        step.settings, step.workflow.name, tables=sorted(wanted), into=folder / "loaded", log=step.request.log
    )
    found: dict[str, list[str]] = {name: [name] if name in batches else [] for name in wanted}
    for name, file in copies.items():
        found[name].append(view_of_files(connection, f"_dataflow_loaded_{name}", file=file))
    return lookup_tables(connection, checks, found=found)
