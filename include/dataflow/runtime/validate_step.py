"""Validate: judge this run's batch of one table, before anything of it is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.landing.manifest import Manifest
from dataflow.quality.judge import judge, reads_of_checks
from dataflow.quality.outcome import raise_on_failures
from dataflow.quality.sensitive import sensitive_in_batch
from dataflow.runtime.authored_checks import judged_by_author
from dataflow.runtime.checks import keep_outcomes, lookup_tables, past_of, view_of_files
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.recording import stage_key
from dataflow.runtime.step import Step
from dataflow.spec.checks import Check
from dataflow.spec.tables import tables_named_in_sql
from dataflow.transforms.connection import open_scratch
from dataflow.warehouse.extract import extract

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["validate_table"]


def validate_table(step: Step, table: str) -> StepReceipt:
    """Judge the batch; the receipt names the manifest that later steps read.

    Raises:
        DataQualityError: when a check with ``on_fail: error`` failed or could not be judged.
    """
    spec = step.workflow.spec
    checks = spec.validate_.get(table, ())
    batch = step.ingested(table)
    key = stage_key(step.workflow, step.request, stage="VALIDATED", table=table)
    with step.scratch() as folder:
        batches = {table: batch} | {name: step.ingested(name) for name in _batches_read(step, checks) - {table}}
        views = {name: step.files(manifest, folder) for name, manifest in batches.items()}
        with open_scratch(folder, views=views) as connection:
            lookups = _lookups(step, connection, checks=checks, batches=batches, folder=folder)
            outcomes = judge(
                connection,
                table,
                checks,
                window=step.window,
                tables=lookups,
                past=past_of(step.history, key, window=step.window, is_batch=True),
                sensitive=sensitive_in_batch(spec, table),
            )
            authored = judged_by_author(step, table, connection=connection)
    keep_outcomes(step, table, checks=checks, outcomes=[*outcomes, *authored.outcomes], stage="VALIDATED")
    if authored.error is not None:
        raise authored.error
    raise_on_failures(table, [*outcomes, *authored.outcomes])
    return step.receipt(
        table=table,
        rows=batch.rows,
        rows_in=batch.rows,
        bytes=batch.bytes,
        uri=batch.uri,
        schema_hash=batch.schema_hash,
    )


def _batches_read(step: Step, checks: tuple[Check, ...]) -> frozenset[str]:
    """Give the sources whose batch the checks name, in a query or to look up."""
    sources = frozenset(step.workflow.spec.sources)
    named = [tables_named_in_sql(check.sql, sources) for check in checks if check.sql]
    return frozenset().union(reads_of_checks(checks) & sources, *named)


def _lookups(
    step: Step,
    connection: DuckDBPyConnection,
    *,
    checks: tuple[Check, ...],
    batches: dict[str, Manifest],
    folder: Path,
) -> dict[str, str]:
    wanted = reads_of_checks(checks)
    copies = extract(
        step.settings, step.workflow.name, tables=sorted(wanted), into=folder / "loaded", log=step.request.log
    )
    found: dict[str, list[str]] = {name: [name] if name in batches else [] for name in wanted}
    for name, file in copies.items():
        found[name].append(view_of_files(connection, f"_dataflow_loaded_{name}", file=file))
    return lookup_tables(connection, checks, found=found)
