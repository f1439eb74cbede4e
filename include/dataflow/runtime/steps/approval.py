"""An approval: what is asked, and what the answer means for the run. Asking is the engine's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.errors import FatalError
from dataflow.masking import masked
from dataflow.ops.history import open_history
from dataflow.runtime.outcome import TaskOutcome
from dataflow.runtime.recording import record, stage_key
from dataflow.runtime.render import render
from dataflow.runtime.step import Step
from dataflow.runtime.window import window_of_run
from dataflow.spec.steps import Approve

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.runtime.request import RunRequest
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = ["settle_approval", "subject_of"]

CATEGORY = "APPROVAL"


def subject_of(workflow: Workflow, task: Task, request: RunRequest, *, settings: Settings) -> str:
    """Give the question, its templates rendered.

    Raises:
        RunSuperseded: when another run did this one's work: there is nothing to ask.
        ConfigError: when ``settings.py`` does not take the workflow's settings.
        FatalError: when it does not render.
    """
    history = open_history(settings.ops)
    step = Step(workflow, request, settings, history, window_of_run(history, workflow, request=request))
    # Everybody who may answer reads it, and Airflow keeps it.
    return masked(render(_said(task).subject, values=step.template_values(), key=f"steps.{task.id}.subject"))


def settle_approval(
    workflow: Workflow, task: Task, request: RunRequest, *, refused: str, settings: Settings
) -> TaskOutcome:
    """Write down the answer, and say what it means.

    Args:
        workflow: The workflow.
        task: Its approval.
        request: The run.
        refused: Why it is not approved; empty where it is.
        settings: Where run history is.

    Raises:
        FatalError: when it is refused and ``otherwise`` is not ``skip``.
    """
    history = open_history(settings.ops)

    def settle() -> TaskOutcome:
        if not refused:
            return TaskOutcome(output={"approved": True}, message="is approved")
        if _said(task).otherwise == "fail":
            raise FatalError(refused, category=CATEGORY)
        skips = workflow.plan.following(task.id)
        message = f"skips the rest: {refused}"
        return TaskOutcome(output={"approved": False}, skips=skips, message=message, category=CATEGORY)

    return record(history, stage_key(workflow, request, stage="STEP"), work=settle, log=request.log)


def _said(task: Task) -> Approve:
    if task.step is None or task.step.approve is None:
        raise FatalError(f"{task.id} is no approval of the config")
    return task.step.approve
