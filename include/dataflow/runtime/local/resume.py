"""Going on with a run of this machine from one of its steps, as Airflow does when a task is cleared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.errors import InputError
from dataflow.near_miss import did_you_mean
from dataflow.ops.reading import is_gone, list_runs, read_run
from dataflow.ops.runs import RunRecord
from dataflow.runtime.receipt import StepReceipt

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.loading.workflow import Workflow
    from dataflow.ops.history import History
    from dataflow.ops.reading import RunStory, StageRecord
    from dataflow.runtime.step import Step

__all__ = ["Earlier", "resume_from"]

_NOT_KEPT = ("run", "gate", "choice", "approve")
"""Steps whose word is for the rest of their run alone."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a run finds done already."""

    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By task id, what these tasks returned; they are not run."""
    run_id: str | None = None
    """The run that goes on; None for a run of its own."""
    try_number: int = 1
    only: frozenset[str] | None = None
    """The tasks that are run; None for all that returned nothing yet."""
    instead: Mapping[str, Callable[[Step, str], StepReceipt]] = field(default_factory=dict)
    """What a task does in place of its own work; where that is skipped, so is what follows."""

    def needs(self, task_id: str) -> bool:
        """Tell whether the task is to be run."""
        return task_id not in self.outputs and (self.only is None or task_id in self.only)


def resume_from(history: History, workflow: Workflow, *, step: str, window: Interval | None) -> Earlier:
    """Find the newest run on that window, or the newest of all, and what its steps before this one returned.

    Args:
        history: Where the run is looked for.
        workflow: Whose run.
        step: A task's id, or a kind: `validate` means every validate task. It and all after it run again.
        window: That of the run to go on with; None for the newest run's.

    Raises:
        InputError: when there is no such step or run, the run cannot go on here, or an earlier step left nothing.
    """
    again = _run_again(workflow, step)
    run = _newest(history, workflow, window=window)
    story = read_run(history, run.run_id, workflow=workflow.name)
    newest = {stage.task_id: stage for stage in story.stages}
    done = {task_id: stage for task_id, stage in newest.items() if stage.state in ("succeeded", "skipped")}
    needed = frozenset[str]().union(*(workflow.plan.before(task_id) for task_id in again))
    outputs: dict[str, Mapping[str, Any]] = {}
    for task in workflow.plan.tasks:
        if task.id in again or task.id not in needed or task.kind == "join":
            continue
        if task.kind in ("wait", "trigger"):
            outputs[task.id] = {}
            continue
        if task.kind in _NOT_KEPT:
            raise InputError(
                f"--from-step {step}: what {task.id} returned, which comes before, is not kept; "
                f"start there: --from-step {task.id}"
            )
        if task.id not in done:
            raise InputError(
                f"--from-step {step}: run {run.run_id} has no result of {task.id}, which comes before; "
                f"start there: --from-step {task.id}"
            )
        outputs[task.id] = _receipt(done[task.id], run).to_json()
    return Earlier(outputs, run.run_id, 1 + _last_try(story))


def _run_again(workflow: Workflow, step: str) -> set[str]:
    """Give the tasks that the step means, and every task after them."""
    tasks = workflow.plan.tasks
    again = {task.id for task in tasks if step in (task.id, task.kind)}
    if not again:
        known = list(dict.fromkeys([*(task.kind for task in tasks), *(task.id for task in tasks)]))
        hint = did_you_mean(step, known) or f"there is: {', '.join(known)}"
        raise InputError(f"--from-step {step}: {workflow.name} has no such step; {hint}")
    for task in tasks:
        if again.intersection(task.after):
            again.add(task.id)
    return again


def _newest(history: History, workflow: Workflow, *, window: Interval | None) -> RunRecord:
    runs = [run for run in list_runs(history, workflow=workflow.name, limit=1_000) if run.window and not run.replay_of]
    fitting = [run for run in runs if window is None or run.window == window]
    if not fitting:
        on = f" on the window {window}" if window else ""
        raise InputError(f"--from-step: {workflow.name} has no earlier run{on} here; run it without --from-step first")
    run = fitting[0]
    if run.engine != "local":
        raise InputError(
            f"--from-step: the newest run, {run.run_id}, is Airflow's; clear the task there, and it runs again with "
            "what the steps before it made"
        )
    if run.status == "SUPERSEDED":
        raise InputError(f"--from-step: run {run.run_id} was superseded by {run.superseded_by}; there is nothing to do")
    if run.status == "OPEN" and not is_gone(run):
        raise InputError(f"--from-step: run {run.run_id} still runs (process {run.pid} on {run.host})")
    return run


def _receipt(stage: StageRecord, run: RunRecord) -> StepReceipt:
    return StepReceipt(
        table=stage.table,
        rows=stage.rows_out or 0,
        rows_in=stage.rows_in,
        bytes=stage.bytes,
        uri=stage.uri,
        window=run.window.to_json() if run.window else {},
    )


def _last_try(story: RunStory) -> int:
    return max((stage.try_number for stage in story.stages), default=0)
