"""What a step of the author's does, or one that decides, and what follows from it, in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.durations import format_duration
from dataflow.spec.waiting import wait_kind, waiting_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataflow.loading.workflow import Workflow
    from dataflow.spec.plan import Task
    from dataflow.spec.steps import Step

__all__ = ["step_says"]


def step_says(workflow: Workflow, task: Task) -> str:
    """Give what the task does; of one that reads, makes or publishes tables, nothing."""
    if task.kind == "wait":
        return _waits(workflow, task)
    if task.kind == "join":
        choice = task.id.removesuffix(".join")
        return f"is where the ways of {choice} meet: goes on when the one that was taken has ended"
    step = task.step
    if step is None:
        return ""
    said = {"run": _runs, "gate": _gates, "choice": _chooses, "approve": _asks, "trigger": _triggers}.get(task.kind)
    return said(workflow, task, step) if said is not None else ""


def _waits(workflow: Workflow, task: Task) -> str:
    waiting = waiting_of(workflow.spec.wait_for, task.id)
    kind = wait_kind(waiting)
    every, bound = format_duration(waiting.poke_interval), format_duration(waiting.timeout)
    what = {
        "python": f"until {waiting.python} of steps.py holds",
        "sql": f"until a query of {waiting.connection} holds",
    }
    until = what.get(kind, f"for {kind} {getattr(waiting, kind)}")
    return f"waits {until}: looks every {every}, and fails after {bound}"


def _runs(_: Workflow, __: Task, step: Step) -> str:
    given = f" with {', '.join(f'{name}={value!r}' for name, value in step.with_.items())}" if step.with_ else ""
    return f"calls {_function(step.run)}{given}; later steps read what it returns"


def _gates(workflow: Workflow, task: Task, step: Step) -> str:
    return f"asks {_function(step.gate)}; if it says no, {_otherwise(workflow, task, skips=step.otherwise == 'skip')}"


def _chooses(_: Workflow, task: Task, step: Step) -> str:
    ways = "; ".join(f"{name}: {_listed(ids)}" for name, ids in task.ways.items())
    if step.branches is not None:
        return f"goes the way that {_function(step.choice)} names: {ways}"
    decides = step.when if (step.when or "").startswith("params.") else _function(step.when)
    return f"goes one way by {decides}: {ways}"


def _asks(workflow: Workflow, task: Task, step: Step) -> str:
    said = step.approve
    if said is None:
        return ""
    bound = f" within {format_duration(said.timeout)}" if said.timeout else ""
    refused = "refused or not answered in time" if said.timeout else "refused"
    then = _otherwise(workflow, task, skips=said.otherwise == "skip")
    return f"asks somebody{bound}: {said.subject}; if it is {refused}, {then}"


def _triggers(_: Workflow, __: Task, step: Step) -> str:
    said = step.trigger
    if said is None:
        return ""
    if not said.wait:
        return f"starts a run of {said.workflow}, and goes on at once"
    bound = f" for {format_duration(step.timeout)} at most" if step.timeout else ""
    return f"starts a run of {said.workflow}, waits{bound} until it ended, and fails if it failed"


def _otherwise(workflow: Workflow, task: Task, *, skips: bool) -> str:
    return f"skips {_listed(workflow.plan.following(task.id))}" if skips else "the run fails"


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(ids) or "nothing"


def _function(reference: str | None) -> str:
    named = reference or ""
    return named if ":" in named else f"steps:{named}"
