"""One task of a run: its window, its work, and what run history keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dataflow.errors import FatalError
from dataflow.ops.history import open_history
from dataflow.runtime.ingest_step import ingest_source
from dataflow.runtime.masking import mask_error
from dataflow.runtime.publish_step import publish_tables
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.recording import TaskStage, record, stage_key
from dataflow.runtime.request import RunRequest
from dataflow.runtime.step import Step
from dataflow.runtime.transform_step import transform_table
from dataflow.runtime.validate_step import validate_table
from dataflow.runtime.window import window_of_run

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = ["run_task"]

_STAGES: Mapping[str, tuple[TaskStage, Callable[[Step, str], StepReceipt]]] = {
    "ingest": ("INGESTED", ingest_source),
    "validate": ("VALIDATED", validate_table),
    "transform": ("TRANSFORMED", transform_table),
    "publish": ("PUBLISHED", lambda step, _: publish_tables(step)),
}


def run_task(workflow: Workflow, task: Task, request: RunRequest, *, settings: Settings) -> dict[str, Any]:
    """Run one task of the plan, all but the dbt group, and give its receipt as JSON.

    Raises:
        RunSuperseded: when another run did this one's work; the engine skips.
        StepError: when the task failed; a `FatalError` says that another try would fail the same way.
    """
    if task.kind not in _STAGES:
        raise FatalError(f"{task.id} is dbt's: its engine runs it")
    stage, work = _STAGES[task.kind]
    history = open_history(settings.ops)
    run = window_of_run(history, workflow, request=request)
    step = Step(workflow, request, settings, history, run)
    table = task.table or ""
    request.log.info("window %s, reads %s", run.window, run.ranges.get(table, "all of it"))
    key = stage_key(workflow, request, stage=stage, table=task.table)
    return record(history, key, work=lambda: _checked(step, work, table), log=request.log).to_json()


def _checked(step: Step, work: Callable[[Step, str], StepReceipt], table: str) -> StepReceipt:
    """Do a task's work, the workflow's settings judged first: no step begins with settings that the next refuses.

    What went wrong is told without secrets, here, before anybody writes it down.
    """
    try:
        _ = step.author_settings
        return work(step, table)
    except Exception as error:
        mask_error(error)
        raise
