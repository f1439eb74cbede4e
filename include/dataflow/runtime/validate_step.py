"""Validate: judge this run's batch of one table, before anything of it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.landing.manifest import Manifest
from dataflow.ops.quarantine import supersede_quarantined
from dataflow.quality.judge import judge, reads_of_checks
from dataflow.quality.outcome import CheckOutcome, raise_on_failures
from dataflow.quality.sensitive import sensitive_in_batch
from dataflow.runtime.authored_checks import judged_by_author
from dataflow.runtime.checks import keep_outcomes, lookup_tables, past_of, view_of_files
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.recording import stage_key
from dataflow.runtime.setting_aside import Refused, let_mean, numbered_rows, quarantine_key, without_refused
from dataflow.runtime.step import Step
from dataflow.spec.checks import Check
from dataflow.spec.tables import tables_named_in_sql
from dataflow.transforms.connection import open_scratch
from dataflow.warehouse.extract import extract

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["batches_read", "judge_batch", "lookups_of", "validate_table"]


def validate_table(step: Step, table: str) -> StepReceipt:
    """Judge the batch; the receipt names the manifest that later steps read.

    Checks with ``on_fail: quarantine`` judge the whole batch, every other check what they left.

    Raises:
        DataQualityError: when a check failed or could not be judged, unless it only warns; nothing is quarantined then.
    """
    spec = step.workflow.spec
    checks = spec.validate_.get(table, ())
    batch = step.ingested(table)
    with step.scratch() as folder:
        batches = {table: batch} | {name: step.ingested(name) for name in batches_read(step, checks) - {table}}
        views = {name: step.files(manifest, folder) for name, manifest in batches.items()}
        rows, refused = numbered_rows(batch, views[table]), folder / "refused.parquet"
        with open_scratch(folder, memory=step.settings.memory, views=views) as connection:
            lookups = lookups_of(step, connection, checks=checks, batches=batches, folder=folder)
            outcomes = _judged(step, connection, table, rows=rows, lookups=lookups, refused=refused)
            authored = judged_by_author(step, table, connection=connection)
        keep_outcomes(step, table, checks=checks, outcomes=[*outcomes, *authored.outcomes], stage="VALIDATED")
        if authored.error is not None:
            raise authored.error
        raise_on_failures(table, [*outcomes, *authored.outcomes])
        left = _left(step, table, batch=batch, rows=rows, refused=refused, folder=folder)
    return step.receipt(
        table=table,
        rows=left.rows,
        rows_in=batch.rows,
        bytes=left.bytes,
        uri=left.uri,
        schema_hash=left.schema_hash,
        quarantined=batch.rows - left.rows or None,
    )


def _judged(
    step: Step, connection: DuckDBPyConnection, table: str, *, rows: str, lookups: dict[str, str], refused: Path
) -> list[CheckOutcome]:
    """Judge every check, in the config's order; which rows are refused is written to a file, if any are."""
    checks = step.workflow.spec.validate_.get(table, ())
    found: dict[int, CheckOutcome] = {}

    def judge_each(indexes: list[int]) -> None:
        judged = judge_batch(step, connection, table, [checks[index] for index in indexes], lookups=lookups)
        found.update(zip(indexes, judged, strict=True))

    setting_aside = [index for index, check in enumerate(checks) if check.on_fail == "quarantine"]
    if setting_aside:
        let_mean(connection, table, rows=rows)
        judge_each(setting_aside)
        told = Refused(connection)
        for index in setting_aside:
            if found[index].status == "quarantined":
                found[index] = told.add(table, checks[index], found[index], window=step.window, tables=lookups)
        if told.count():
            told.write(refused)
        told.hide(table, rows=rows)
    judge_each([index for index in range(len(checks)) if index not in found])
    return [found[index] for index in range(len(checks))]


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


def _left(step: Step, table: str, *, batch: Manifest, rows: str, refused: Path, folder: Path) -> Manifest:
    if refused.exists():
        return without_refused(step, table, batch=batch, rows=rows, refused=refused, folder=folder)
    if step.request.try_number > 1:  # what an earlier try quarantined was judged anew
        with step.history.write() as connection:
            supersede_quarantined(connection, quarantine_key(step, table, stage="validate"))
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
