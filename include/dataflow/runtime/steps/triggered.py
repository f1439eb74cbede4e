"""A run of another workflow that this one started and waited for: what its end means here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.durations import format_duration
from dataflow.errors import FatalError, StepError
from dataflow.ops.history import open_history
from dataflow.runtime.outcome import TaskOutcome
from dataflow.runtime.recording import record, stage_key

if TYPE_CHECKING:
    from datetime import timedelta

    from dataflow.loading.workflow import Workflow
    from dataflow.runtime.request import RunRequest
    from dataflow.settings import Settings

__all__ = ["settle_triggered"]

CATEGORY = "WORKFLOW_FAILURE"


def settle_triggered(
    workflow: Workflow,
    request: RunRequest,
    *,
    other: str,
    run_id: str,
    state: str | None,
    waited: timedelta | None,
    settings: Settings,
) -> TaskOutcome:
    """Write down how the other run ended, and say what it means.

    Args:
        workflow: Ours.
        request: Our run.
        other: The workflow that was started.
        run_id: Its run.
        state: In which that is now; None where it is gone.
        waited: How long we waited at most; None for without end.
        settings: Where run history is.

    Raises:
        FatalError: when it failed, or is gone: another try would find the same run.
        StepError: when it did not end in time: another try waits for the same run again.
    """

    def settle() -> TaskOutcome:
        if state == "success":
            return TaskOutcome(output={"run_id": run_id}, message=f"run {run_id} of {other} succeeded")
        if state is None:
            raise FatalError(f"run {run_id} of {other} was there, and is gone", category=CATEGORY)
        if state == "failed":
            raise FatalError(f"run {run_id} of {other} failed", category=CATEGORY)
        bound = format_duration(waited) if waited is not None else "its time"
        raise StepError(f"run {run_id} of {other} did not end within {bound}", category=CATEGORY)

    return record(open_history(settings.ops), stage_key(workflow, request, stage="STEP"), work=settle, log=request.log)
