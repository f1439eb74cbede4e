"""Publish: let readers see what this run made, all of it at once."""

from __future__ import annotations

from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.step import Step
from dataflow.warehouse.snapshot import publish

__all__ = ["publish_tables"]


def publish_tables(step: Step) -> StepReceipt:
    """Write the snapshot and point readers to it.

    Raises:
        RunSuperseded: when another run built the models since.
    """
    snapshot = publish(
        step.settings,
        step.workflow.name,
        tables=step.workflow.published_tables,
        run_id=step.request.run_id,
        stamped=bool(step.workflow.models),
        log=step.request.log,
    )
    return step.receipt(
        table=None,
        rows=sum(snapshot.tables.values()),
        bytes=sum(snapshot.parquet(table).stat().st_size for table in snapshot.tables),
        uri=str(snapshot.folder),
        tables=snapshot.tables,
    )
