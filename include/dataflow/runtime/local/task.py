"""One task of a run here: what Airflow has operators, sensors and people for is done in this process, or said to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dataflow.errors import FatalError, StepError
from dataflow.ops.history import open_history
from dataflow.runtime.outcome import TaskOutcome
from dataflow.runtime.params import full_refresh_of
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.recording import record, stage_key
from dataflow.runtime.run import run_task
from dataflow.runtime.steps.approval import settle_approval, subject_of
from dataflow.runtime.steps.waiting import awaited, is_there
from dataflow.runtime.window import window_of_run

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.runtime.request import RunRequest
    from dataflow.runtime.step import Step
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = ["Ask", "Here", "outcome_here"]

Ask = Callable[[str], bool | None]
"""Puts an approval's subject to somebody; None where nobody is there to answer."""


@dataclass(frozen=True, slots=True)
class Here:
    """Where a run's tasks run, and what is there in place of Airflow."""

    workflow: Workflow
    settings: Settings
    ask: Ask
    must_be_there: bool
    """Whether what a task waits for fails the run when it is not there; else the run goes on."""
    instead: Mapping[str, Callable[[Step, str], StepReceipt]]
    """Of some tasks of a table: what is done instead of their own work."""


def outcome_here(here: Here, task: Task, request: RunRequest) -> TaskOutcome:
    """Run one task of the plan, of whatever kind, and give what came of it.

    Raises:
        DataflowError: when it fails, or where what it waits for must be there and is not.
    """
    if task.kind == "dbt":
        return _build_models(here, request)
    if task.kind == "wait":
        return _look(here, task, request)
    if task.kind == "approve":
        return _approve(here, task, request)
    if task.step is not None and task.step.trigger is not None:
        return TaskOutcome(output={}, skipped=f"{task.step.trigger.workflow} is started under Airflow only")
    instead = here.instead.get(task.id)
    return run_task(here.workflow, task, request, settings=here.settings, instead=instead)


def _look(here: Here, task: Task, request: RunRequest) -> TaskOutcome:
    """Look once at what Airflow would wait for."""
    found, step = awaited(here.workflow, task, request, settings=here.settings)
    try:
        there = is_there(found, step)
    except StepError as error:
        if here.must_be_there or found.bucket is None:
            raise
        return TaskOutcome(output={}, skipped=f"not waited for here, and nobody could look: {error}")
    if there is None:
        return TaskOutcome(output={}, skipped=f"only Airflow can look, which has the connection: {found.written}")
    if there:
        return TaskOutcome(output={})
    if here.must_be_there:
        raise FatalError(f"{found.written} is not there yet")
    return TaskOutcome(output={}, skipped=f"not there yet, and not waited for here: {found.written}")


def _approve(here: Here, task: Task, request: RunRequest) -> TaskOutcome:
    subject = subject_of(here.workflow, task, request, settings=here.settings)
    answer = here.ask(subject)
    refused = "" if answer else (f"nobody was there to answer: {subject}" if answer is None else f"no: {subject}")
    return settle_approval(here.workflow, task, request, refused=refused, settings=here.settings)


def _build_models(here: Here, request: RunRequest) -> TaskOutcome:
    from dataflow.modelling.build import build_models
    from dataflow.modelling.compile import compile_models

    history = open_history(here.settings.ops)
    run = window_of_run(history, here.workflow, request=request)

    def build() -> StepReceipt:
        # As in Airflow, where a group is there only once its models are compiled; at once where they are.
        if problems := compile_models(here.settings, [here.workflow]):
            raise FatalError("\n".join(str(problem) for problem in problems))
        outcome = build_models(
            here.settings,
            here.workflow,
            window=run.window,
            run_id=request.run_id,
            full_refresh=full_refresh_of(here.workflow.spec, request.params),
            log=request.log,
        )
        if not outcome.succeeded:
            raise outcome.failure
        return StepReceipt(table=None, rows=sum(node.kind == "model" for node in outcome.nodes))

    key = stage_key(here.workflow, request, stage="MODELLED")
    receipt = record(history, key, work=build, log=request.log)
    return TaskOutcome.of_receipt(replace(receipt, window=run.window.to_json()))
