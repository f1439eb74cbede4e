"""The functions that steps call: they exist, take what they are given, and read what earlier steps return."""

from __future__ import annotations

from collections.abc import Iterator

from dataflow.errors import Problem
from dataflow.loading.callables import Function
from dataflow.loading.rules.functions import called_as_ours, find_function
from dataflow.loading.rules.subject import Finding, Steps, Subject
from dataflow.near_miss import known_words
from dataflow.spec.plan import Plan
from dataflow.spec.steps import Step, step_kind, walk_steps

__all__ = ["GIVE_NOTHING", "outputs_are_given", "step_functions_fit"]

MODULE = "steps"
GIVE_NOTHING = frozenset({"dbt", "join", "trigger", "wait"})
"""Kinds of tasks that return nothing."""

Found = Iterator[Finding | Problem]


def step_functions_fit(subject: Subject) -> Found:
    """Check the functions of `run`, `gate` and `choice`."""
    told: set[Problem] = set()
    for at, step in walk_steps(subject.spec.steps or ()):
        reference, key = _reference(step)
        if not reference:
            continue
        function = find_function(subject, reference, (*at, key), default_module=MODULE)
        if isinstance(function, Finding):
            yield function
        if not isinstance(function, Function) or function.is_decorated:
            continue
        for each in _fits(function, step, at):
            if not isinstance(each, Problem) or each not in told:  # a function may be called by several steps
                yield each
            if isinstance(each, Problem):
                told.add(each)


def _fits(function: Function, step: Step, at: Steps) -> Found:
    yield from called_as_ours(function)
    parameters = {each.name: each for each in function.parameters[1:]}
    for name in step.with_:
        if name not in parameters and not function.takes_any_keyword:
            hint = known_words(name, parameters, what="its parameters") or "it takes ctx only"
            yield Finding((*at, "with", name), f"{function.shown} has no such parameter", hint, on_key=True)
    for name, parameter in parameters.items():
        if not parameter.is_required or name in step.with_:
            continue
        if step.run is not None:
            yield Finding((*at, "with", name), f"{function.shown} requires this parameter")
        else:
            yield function.problem(f"takes '{name}'", f"a {step_kind(step)} gets ctx only", at=parameter)


def outputs_are_given(subject: Subject, plan: Plan) -> Iterator[Problem]:
    """Check each ``ctx.output("...")`` in a function that a step calls: an earlier step of that id returns it."""
    kinds = {task.id: task.kind for task in plan.tasks}
    for task in plan.tasks:
        reference = _reference(task.step)[0] if task.step is not None else ""
        if not reference:
            continue
        module, _, name = reference.rpartition(":")
        function = subject.modules.find(module or MODULE, name)
        if function is None:
            continue
        before = sorted(each for each in plan.before(task.id) if kinds[each] not in GIVE_NOTHING)
        for step, line, column in function.outputs_read():
            if step not in before:
                hint = known_words(step, before, what="before it come") or "it is the first step"
                message = f"{function.shown} reads the output of '{step}', which is no step before {task.id}"
                yield Problem(function.module.path, line, column, "", message, hint)


def _reference(step: Step) -> tuple[str, str]:
    """Give the function that the step calls, and the key that names it."""
    if step.run is not None:
        return step.run, "run"
    if step.gate is not None:
        return step.gate, "gate"
    if step.choice is not None and step.when is None:
        return step.choice, "choice"
    if step.when is not None and not step.when.startswith("params."):
        return step.when, "when"
    return "", ""
