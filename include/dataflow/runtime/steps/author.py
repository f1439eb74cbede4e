"""The steps that call a function of the author's: `run`, `gate` and `choice`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataflow.errors import FatalError, StepError
from dataflow.runtime.author_code.context import Outside
from dataflow.runtime.author_code.modules import author_code, author_function
from dataflow.runtime.author_code.outside import NotForDecisions, RunOutside
from dataflow.runtime.outcome import TaskOutcome
from dataflow.runtime.receipt import bounded_json
from dataflow.runtime.result import StepResult
from dataflow.spec.steps import branches_of

if TYPE_CHECKING:
    from dataflow.runtime.step import Step
    from dataflow.spec import steps
    from dataflow.spec.plan import Task

__all__ = ["ask_gate", "choose_way", "run_function"]


def run_function(step: Step, task: Task) -> TaskOutcome:
    """Call the function of a `run`, with everything that a context reaches.

    Raises:
        StepError: when the function says that it failed; ``retries`` apply.
    """
    said = _said(task)
    reference = _reference(said.run or "")
    with RunOutside(step) as outside:
        result = _call(step, reference, outside=outside, arguments=said.with_)
    if result is None:
        return TaskOutcome(output={})
    if not isinstance(result, StepResult):
        raise FatalError(f"{reference} returned {type(result).__name__}; return StepResult.ok(output={{...}}) or None")
    if not result.succeeded:
        raise StepError(result.message or f"{reference} failed", category=result.category)
    return TaskOutcome(output=_output(result, task))


def ask_gate(step: Step, task: Task) -> TaskOutcome:
    """Ask whether the run goes on.

    Raises:
        FatalError: when the gate says no, and ``otherwise`` is not ``skip``; under the category that it gives.
    """
    said = _said(task)
    reference = _reference(said.gate or "")
    result = _call(step, reference, outside=NotForDecisions("a gate"), arguments={})
    if not isinstance(result, StepResult):
        way_out = 'return StepResult.ok(), or StepResult.fail("why", "QUALITY_GATE")'
        raise FatalError(f"{reference} returned {type(result).__name__}; a gate is to {way_out}")
    if result.succeeded:
        return TaskOutcome(output=_output(result, task))
    message = result.message or f"{reference} says no"
    if said.otherwise == "fail":
        raise FatalError(message, category=result.category)
    return TaskOutcome(
        output=_output(result, task),
        skips=step.workflow.plan.following(task.id),
        message=f"skips the rest: {message}",
        category=result.category,
    )


def choose_way(step: Step, task: Task) -> TaskOutcome:
    """Decide which branch of a choice runs; its output says which: ``{"way": "weekly"}``."""
    said = _said(task)
    way = _picked(step, said)
    skips = step.workflow.plan.skipped_by(task, taken=way)
    return TaskOutcome(output={"way": way}, skips=skips, message=f"takes {way}")


def _holds(step: Step, when: str) -> bool:
    if when.startswith("params."):
        return bool(step.request.params.get(when.removeprefix("params.")))
    reference = _reference(when)
    answer = _call(step, reference, outside=NotForDecisions("a choice"), arguments={})
    if not isinstance(answer, bool):
        raise FatalError(f"{reference} returned {type(answer).__name__}; a `when` is to return True or False")
    return answer


def _picked(step: Step, said: steps.Step) -> str:
    if said.when is not None:
        return "then" if _holds(step, said.when) else "else"
    reference = _reference(said.choice or "")
    way = _call(step, reference, outside=NotForDecisions("a choice"), arguments={})
    branches = branches_of(said)
    if not isinstance(way, str) or way not in branches:
        raise FatalError(f"{reference} returned {way!r}; return one of {', '.join(branches)}")
    return way


def _said(task: Task) -> steps.Step:
    if task.step is None:
        raise FatalError(f"{task.id} is no step of the config")
    return task.step


def _reference(text: str) -> str:
    return text if ":" in text else f"steps:{text}"


def _call(step: Step, reference: str, *, outside: Outside, arguments: dict[str, Any]) -> Any:
    function = author_function(step.workflow, reference)
    with author_code(step.workflow, what=reference, log=step.request.log):
        return function(step.context(None, outside=outside), **arguments)


def _output(result: StepResult, task: Task) -> dict[str, Any]:
    if not isinstance(result.output, Mapping):
        kind = type(result.output).__name__
        raise FatalError(f"{task.id}: its output is a {kind}; return a mapping: StepResult.ok(output={{...}})")
    return bounded_json(dict(result.output), of=task.id)
