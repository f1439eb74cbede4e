"""One task of a run: its window, its work, and what run history keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from dataflow.duckdb_memory import lack_of_room
from dataflow.errors import FatalError
from dataflow.masking import mask_error
from dataflow.ops.history import open_history
from dataflow.runtime.outcome import TaskOutcome
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.recording import TaskStage, record, stage_key
from dataflow.runtime.request import RunRequest
from dataflow.runtime.step import Step
from dataflow.runtime.steps.author import ask_gate, choose_way, run_function
from dataflow.runtime.steps.ingest import ingest_source
from dataflow.runtime.steps.publish import publish_tables
from dataflow.runtime.steps.transform import transform_table
from dataflow.runtime.steps.validate import validate_table
from dataflow.runtime.telling.hiding_values import hide_values
from dataflow.runtime.window import window_of_run
from dataflow.warehouse.waits import waits_told_to

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = ["run_task"]

T = TypeVar("T")

_OF_TABLES: Mapping[str, tuple[TaskStage, Callable[[Step, str], StepReceipt]]] = {
    "ingest": ("INGESTED", ingest_source),
    "validate": ("VALIDATED", validate_table),
    "transform": ("TRANSFORMED", transform_table),
    "publish": ("PUBLISHED", lambda step, _: publish_tables(step)),
}
_OF_AUTHORS: Mapping[str, Callable[[Step, Task], TaskOutcome]] = {
    "run": run_function,
    "gate": ask_gate,
    "choice": choose_way,
}


def run_task(
    workflow: Workflow,
    task: Task,
    request: RunRequest,
    *,
    settings: Settings,
    instead: Callable[[Step, str], StepReceipt] | None = None,
) -> TaskOutcome:
    """Run one task of the plan, and say how it ended; dbt's, approvals and triggers are their engine's.

    A task of a table does what is given ``instead`` of its own work.

    Raises:
        RunSuperseded: when another run did this one's work; the engine skips.
        StepError: when the task failed; a `FatalError` says that another try would fail the same way.
    """
    if task.kind not in _OF_TABLES and task.kind not in _OF_AUTHORS:
        raise FatalError(f"{task.id} is a {task.kind} step: its engine runs it")
    history = open_history(settings.ops)
    step = Step(workflow, request, settings, history, window_of_run(history, workflow, request=request))
    with waits_told_to(lambda seconds: request.count("lock_wait", seconds)):
        return _run(step, task, instead)


def _run(step: Step, task: Task, instead: Callable[[Step, str], StepReceipt] | None) -> TaskOutcome:
    workflow, request, history = step.workflow, step.request, step.history
    if task.kind in _OF_AUTHORS:
        act = _OF_AUTHORS[task.kind]
        key = stage_key(workflow, request, stage="STEP")
        outcome = record(history, key, work=lambda: _checked(step, lambda: act(step, task)), log=request.log)
        if outcome.message:
            request.log.info("%s %s", task.id, outcome.message)
        return outcome
    stage, own = _OF_TABLES[task.kind]
    work = instead or own
    table = task.table or ""
    request.log.info("window %s, reads %s", step.window, step.run.ranges.get(table, "all of it"))
    key = stage_key(workflow, request, stage=stage, table=task.table)
    receipt = record(history, key, work=lambda: _checked(step, lambda: work(step, table)), log=request.log)
    _count(receipt, request)
    return TaskOutcome.of_receipt(receipt)


def _count(receipt: StepReceipt, request: RunRequest) -> None:
    """Tell the engine's metrics what a step made; one that did nothing made nothing."""
    if receipt.skipped:
        return
    tables = {receipt.table: receipt.rows} if receipt.table is not None else receipt.tables
    for table, rows in tables.items():
        request.count("rows", rows, table=table)
    of_table = {"table": receipt.table} if receipt.table is not None else {}
    if receipt.bytes:
        request.count("bytes", receipt.bytes, **of_table)
    if receipt.quarantined:
        request.count("quarantined_rows", receipt.quarantined, **of_table)


def _checked(step: Step, work: Callable[[], T]) -> T:
    """Do a task's work, the workflow's settings judged first: no step begins with settings that the next refuses.

    What went wrong is told without secrets and sensitive values, here, before anybody writes it down.
    """
    try:
        _ = step.author_settings
        return work()
    except Exception as error:
        hide_values(error, step.workflow.spec)
        mask_error(error)
        if (lack := lack_of_room(error)) is not None:
            raise lack from error
        raise
