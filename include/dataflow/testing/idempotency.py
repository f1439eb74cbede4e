"""The standard suite's last rule: the same rows, in another order and under another run id, give the same tables."""

from __future__ import annotations

import logging
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.cli.sandbox import link_published
from dataflow.errors import StepError
from dataflow.identifiers import quote
from dataflow.interval import Interval
from dataflow.landing.batch import write_batch
from dataflow.landing.manifest import part_paths, read_manifest
from dataflow.landing.scan import scan_of
from dataflow.ops.runs import now
from dataflow.queries import RESERVED_PREFIX
from dataflow.runtime.local.resume import Earlier
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.ticks import first_moment, last_complete_window
from dataflow.spec.schedule import is_windowed_by_ticks
from dataflow.spec.tables import is_windowed_table, load_of, tables_of
from dataflow.testing.equal_tables import differences, keep_tables
from dataflow.testing.house import House
from dataflow.testing.sample import find_sample, land_sample
from dataflow.testing.single_step import StepRunner
from dataflow.warehouse.create import create_warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["idempotency_complaints"]

LOG = logging.getLogger("dataflow.testing")
READ_HERE = frozenset({"file", "mock", "published", "python"})
"""Types of source that are read themselves where there is no sample."""
OTHER_ORDER = "(number % 2), number DESC"
"""Never the order that it was, whatever the number of rows."""


def idempotency_complaints(workflow: Workflow, settings: Settings) -> list[str]:
    """Run the workflow twice on the same rows and compare every table that it loads, and every model."""
    with tempfile.TemporaryDirectory(prefix=f"idempotency-{workflow.name}-") as folder:
        first = _private(Path(folder, "first"), workflow, settings)
        window = sample_window(workflow.spec)
        batches: dict[str, StepReceipt] = {}
        for source in workflow.spec.sources:
            try:
                batches[source] = _batch(workflow, first, source=source, window=window)
            except StepError as error:
                where = f"{workflow.folder.relative_to(workflow.project).as_posix()}/tests/sample/{source}"
                return [
                    f"sources.{source} cannot be read here: {error}; put some of its rows into {where}.csv or .ndjson"
                ]
        complaint = _run(workflow, first, batches=batches, window=window)
        if complaint:
            return [complaint]
        keep_tables(first, workflow, folder=Path(folder, "tables"))
        # A table to which every run appends is right to grow: its second run begins with nothing.
        second = _private(Path(folder, "second"), workflow, settings) if _grows(workflow.spec) else first
        shuffled = {source: _shuffled(receipt, second) for source, receipt in batches.items()}
        complaint = _run(workflow, second, batches=shuffled, window=window)
        return [complaint] if complaint else differences(second, workflow, folder=Path(folder, "tables"))


def sample_window(spec: WorkflowSpec) -> Interval:
    """Give all that incremental sources ever had; else the last tick's window; else since the start date."""
    moment = now()
    incremental = [source.incremental for source in spec.sources.values() if source.incremental]
    days = [day for each in incremental if (day := each.start or spec.start_date)]
    if not days and is_windowed_by_ticks(spec.schedule):
        return last_complete_window(spec.schedule, moment)
    days = days or ([spec.start_date] if spec.start_date else [])
    start = first_moment(min(days), spec.schedule) if days else moment - timedelta(days=1)
    return Interval(min(start, moment - timedelta(days=1)), moment)


def _private(folder: Path, workflow: Workflow, settings: Settings) -> Settings:
    house = House(folder, workflow.project).settings
    link_published(settings, workflow, folder / "published")
    create_warehouse(house, [workflow.name])
    return house


def _batch(workflow: Workflow, settings: Settings, *, source: str, window: Interval) -> StepReceipt:
    """Land the source's sample, else what the source itself gives."""
    sample = find_sample(workflow, source)
    if sample is not None:
        return land_sample(workflow, settings, source=source, file=sample, window=window)
    kind = workflow.spec.sources[source].type
    if kind not in READ_HERE:
        raise StepError(f"a source of type {kind} is not asked in a test")
    landed: StepReceipt = StepRunner(workflow, settings)(f"ingest.{source}", window=window)
    return landed


def _run(workflow: Workflow, settings: Settings, *, batches: Mapping[str, StepReceipt], window: Interval) -> str | None:
    # Nobody sits there to approve, and what is waited for is not asked from a test.
    beside = {task.id: {"approved": True} for task in workflow.plan.tasks if task.kind in ("approve", "wait")}
    landed = {f"ingest.{source}": receipt.to_json() for source, receipt in batches.items()}
    earlier = Earlier({**beside, **landed})
    result = run_workflow(workflow, settings=settings, window=window, earlier=earlier)
    return None if result.status == "success" else f"{result.failed_step or 'the run'} {result.status}: {result.error}"


def _grows(spec: WorkflowSpec) -> bool:
    return any(load_of(spec, table)[0] == "append" and not is_windowed_table(spec, table) for table in tables_of(spec))


def _shuffled(receipt: StepReceipt, settings: Settings) -> StepReceipt:
    """Land the same rows again, in another order, as a batch of another run."""
    import duckdb

    batch = read_manifest(receipt.uri or "")
    run = f"{RESERVED_PREFIX}_run"
    replaced = f" REPLACE ('test__again' AS {quote(run)})" if run in batch.columns else ""
    numbered = f"SELECT *, row_number() OVER () AS number FROM {scan_of(part_paths(batch))}"
    query = f"SELECT * EXCLUDE (number){replaced} FROM ({numbered}) ORDER BY {OTHER_ORDER}"
    with (
        duckdb.connect() as connection,
        write_batch(
            settings.landing,
            workflow=batch.workflow,
            table=batch.table,
            window=batch.window,
            run_id="test__again",
            try_number=1,
            scratch=settings.scratch,
        ) as again,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        again.copy(connection, query)
        manifest = again.commit(cut_rows=batch.cut_rows)
    values: dict[str, Any] = {"table": batch.table, "rows": manifest.rows, "uri": manifest.uri}
    return StepReceipt(**values, window=batch.window.to_json())
