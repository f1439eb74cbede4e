"""Publish: let readers see what this run made, all of it at once."""

from __future__ import annotations

from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.render import render
from dataflow.runtime.step import Step
from dataflow.warehouse.copies import copy_snapshot
from dataflow.warehouse.snapshot import Snapshot, publish

__all__ = ["publish_tables"]


def publish_tables(step: Step) -> StepReceipt:
    """Write the snapshot and point readers to it, then copy it where the config says.

    Raises:
        RunSuperseded: when another run built the models since.
        TrySuperseded: when a later try of this one began.
    """
    snapshot = publish(
        step.settings,
        step.workflow.name,
        tables=step.workflow.published_tables,
        run_id=step.request.run_id,
        stamped=bool(step.workflow.models),
        before_shown=step.require_newest,
        log=step.request.log,
    )
    _copy_further(step, snapshot)
    return step.receipt(
        table=None,
        rows=sum(snapshot.tables.values()),
        bytes=sum(snapshot.files[f"{table}.parquet"].bytes for table in snapshot.tables),
        uri=str(snapshot.folder),
        tables=snapshot.tables,
    )


def _copy_further(step: Step, snapshot: Snapshot) -> None:
    written = step.workflow.spec.publish.to
    if written is None:
        return
    if not step.settings.copies:
        step.request.log.info(
            "not copied to %s: in a sandbox, in tests and with DATAFLOW_COPIES=false no copy is made", written
        )
        return
    to = render(written, values=step.template_values(), key="publish.to")
    copy_snapshot(step.settings, snapshot, to, log=step.request.log)
