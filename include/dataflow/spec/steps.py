"""The steps of a run and their order: what a workflow says under ``steps``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from dataflow.spec.base import Count, Duration, Flag, Name, Spec, Text
from dataflow.spec.resolved import ResolvedText

__all__ = [
    "STEP_KINDS",
    "TABLE_KINDS",
    "Approve",
    "Step",
    "Steps",
    "StepsAt",
    "Trigger",
    "Whole",
    "branches_of",
    "own_name",
    "publishes",
    "step_kind",
    "walk_steps",
]

TABLE_KINDS = ("ingest", "validate", "transform")
"""Steps that are a task for each of their tables."""
BARE_KINDS = (*TABLE_KINDS, "dbt", "publish")
"""Steps that a word alone stands for."""
STEP_KINDS = (*BARE_KINDS, "run", "gate", "choice", "parallel", "approve", "trigger")
NAMED_KINDS = ("run", "gate", "approve", "trigger")
"""Steps that are one task, which may have a name of its own."""

OF_ONE_KIND = {
    "with": "run",
    "otherwise": "gate",
    "when": "choice",
    "then": "choice",
    "else": "choice",
    "branches": "choice",
}
"""Keys beside the kind's own, and to which kind each belongs."""

StepsAt = tuple[str | int, ...]
"""Where a step is written, from ``steps`` on."""


class Whole(Spec):
    """All of it: what the word alone stands for."""


class Approve(Spec):
    """Somebody looks at it and says yes or no."""

    subject: ResolvedText
    """What is asked; a template."""
    timeout: Duration | None = None
    """How long to wait for the answer; by default for ever."""
    otherwise: Literal["fail", "skip"] = "fail"
    """What refusing, or no answer in time, does: fail the run, or skip the rest of it."""


class Trigger(Spec):
    """Start a run of another workflow."""

    workflow: Name
    """Which one."""
    wait: Flag = False
    """Wait until that run has ended, and fail if it failed."""


Tables = Whole | Annotated[tuple[Name, ...], Field(min_length=1)]


def _step(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in BARE_KINDS:
        raise ValueError(f"'{value}' alone is no step; alone stand {', '.join(BARE_KINDS)}")
    return {value: {}}


class Step(Spec):
    """One step: exactly one kind, and beside it what belongs to it."""

    ingest: Tables | None = None
    """Read these sources; the word alone: all that no other step lists."""
    validate_: Annotated[Tables | None, Field(alias="validate")] = None
    """Judge the batches of these sources; the word alone: all that have checks and no other step lists."""
    transform: Tables | None = None
    """Make and load these tables; the word alone: all that no other step lists."""
    dbt: Whole | None = None
    """Build and test the models; nothing where there are none."""
    publish: Whole | None = None
    """Let others read what this run made."""
    run: Text | None = None
    """Call a function of ``steps.py``, or ``module:function``."""
    gate: Text | None = None
    """Ask a function of ``steps.py``, or ``module:function``, whether the run goes on."""
    choice: Name | None = None
    """Go one of several ways; with ``branches`` it is also the function of ``steps.py`` that picks one."""
    parallel: Annotated[dict[Name, Steps], Field(min_length=1)] | None = None
    """Go several ways at once."""
    approve: Approve | None = None
    """Wait until somebody approves."""
    trigger: Trigger | None = None
    """Start a run of another workflow."""

    with_: Annotated[dict[Text, Any], Field(alias="with")] = Field(default_factory=dict)
    """What the function of a ``run`` gets beside ``ctx``."""
    otherwise: Literal["fail", "skip"] = "fail"
    """What a ``gate`` that says no does: fail the run, or skip the rest of it."""
    when: Text | None = None
    """What decides between ``then`` and ``else``: ``params.<boolean>``, or a function of ``steps.py``."""
    then: tuple[Item, ...] | None = None
    """The steps where it holds; none by default."""
    else_: Annotated[tuple[Item, ...] | None, Field(alias="else")] = None
    """The steps where it does not; none by default."""
    branches: Annotated[dict[Name, tuple[Item, ...]], Field(min_length=2)] | None = None
    """The ways of a ``choice``, by what its function returns."""

    name: Name | None = None
    """Its task's id, where that of the function will not do."""
    timeout: Duration | None = None
    """How long each of its tasks may take; by default the workflow's ``execution_timeout``."""
    retries: Count | None = None
    """Tries of each of its tasks after the first; by default the workflow's."""

    @model_validator(mode="after")
    def _one_kind(self) -> Step:
        given = [kind for kind in STEP_KINDS if _value(self, kind) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"a step is exactly one of {', '.join(STEP_KINDS)}; found {found}")
        for field in self.model_fields_set:
            key = field.removesuffix("_")
            if OF_ONE_KIND.get(key, given[0]) != given[0]:
                raise ValueError(f"`{key}` belongs to `{OF_ONE_KIND[key]}`, not to `{given[0]}`")
        if self.timeout is not None and given[0] == "approve":
            raise ValueError("the `timeout` of an approval stands in it, as in approve: {subject: ..., timeout: 1d}")
        if given[0] == "parallel" and (self.timeout is not None or self.retries is not None):
            raise ValueError("`timeout` and `retries` belong to the steps of the branches, not to `parallel`")
        if self.name is not None and given[0] not in NAMED_KINDS:
            raise ValueError(f"`name` belongs to {', '.join(NAMED_KINDS)}, not to `{given[0]}`")
        return self

    @model_validator(mode="after")
    def _has_ways_to_go(self) -> Step:
        if self.choice is None:
            return self
        two_ways = self.then is not None or self.else_ is not None
        if (self.when is None) == (self.branches is None) or two_ways != (self.when is not None):
            raise ValueError("a choice has either `when` with `then` or `else`; or `branches`")
        if two_ways and not self.then and not self.else_:
            raise ValueError("both ways of the choice are empty; give `then` or `else` a step")
        return self


Item = Annotated[Step, BeforeValidator(_step, json_schema_input_type=Step | str)]
Steps = Annotated[tuple[Item, ...], Field(min_length=1)]


def step_kind(step: Step) -> str:
    """Give the one kind that is set."""
    return next(kind for kind in STEP_KINDS if _value(step, kind) is not None)


def own_name(step: Step) -> str:
    """Give what its task is called within its branch; of a step that is no one task, its kind."""
    if step.name is not None:
        return step.name
    if step.trigger is not None:
        return f"trigger.{step.trigger.workflow}"
    function = step.run or step.gate
    if function is not None:
        return function.rpartition(":")[2]
    return step.choice or step_kind(step)


def branches_of(step: Step) -> Mapping[str, tuple[Step, ...]]:
    """Give the ways of a ``choice`` or a ``parallel`` by name; ``then`` and ``else`` where it decides by ``when``."""
    if step.parallel is not None:
        return step.parallel
    if step.branches is not None:
        return step.branches
    return {"then": step.then or (), "else": step.else_ or ()} if step.choice is not None else {}


def walk_steps(steps: tuple[Step, ...], at: StepsAt = ("steps",)) -> Iterator[tuple[StepsAt, Step]]:
    """Give every step, those in branches too, with the place where it is written."""
    for index, step in enumerate(steps):
        yield (*at, index), step
        inside = () if step.parallel is None else ("parallel",)
        inside = inside if step.branches is None else ("branches",)
        for name, branch in branches_of(step).items():
            yield from walk_steps(branch, (*at, index, *inside, name))


def _value(step: Step, kind: str) -> Any:
    return getattr(step, "validate_" if kind == "validate" else kind)


def publishes(steps: tuple[Step, ...] | None) -> bool:
    """Tell whether a run publishes: by default, or because one of the steps does."""
    return steps is None or any(step.publish is not None for _, step in walk_steps(steps))
