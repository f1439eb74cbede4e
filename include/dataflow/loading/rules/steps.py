"""Steps: each can be told from the others, does something that is there, and comes after what it needs."""

from __future__ import annotations

from collections.abc import Iterator

from dataflow.loading.rules.subject import Finding, Findings, Subject
from dataflow.near_miss import known_words
from dataflow.spec.plan import Plan, Task
from dataflow.spec.planning import tables_of_step
from dataflow.spec.steps import (
    STEP_KINDS,
    TABLE_KINDS,
    Step,
    StepsAt,
    Whole,
    branches_of,
    own_name,
    step_kind,
    walk_steps,
)
from dataflow.spec.tables import base_source, tables_named_in_sql, tables_of
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["steps_are_in_order", "steps_are_well_formed"]

MAX_LEVELS = 2
RESERVED = frozenset({*STEP_KINDS, "join", "wait_for"})
ONLY_ONCE = ("dbt", "publish")


def steps_are_well_formed(subject: Subject) -> Findings:
    """Check each step by itself: names, tables, params, workflows, depth."""
    if subject.spec.steps is None:
        return
    for at, step in walk_steps(subject.spec.steps):
        kind = step_kind(step)
        if kind in TABLE_KINDS:
            yield from _tables_exist(subject, at, step)
        if kind == "choice" and step.when is not None and step.when.startswith("params."):
            yield from _is_a_flag(subject, at, step.when)
        if step.trigger is not None:
            yield from _can_be_triggered(subject, at, step.trigger.workflow)
        yield from _names_are_free(at, step)
        if _level(at) == MAX_LEVELS and branches_of(step):
            hint = "move its steps to a workflow of their own, and `trigger` that"
            yield Finding((*at, kind), f"steps are nested {MAX_LEVELS} levels deep at most", hint, on_key=True)
    yield from _nothing_is_there_twice(subject.spec)
    yield from _nothing_is_left_out(subject.spec)


def _level(at: StepsAt) -> int:
    return sum(isinstance(item, int) for item in at) - 1


def _tables_exist(subject: Subject, at: StepsAt, step: Step) -> Findings:
    kind = step_kind(step)
    named = step.ingest or step.validate_ or step.transform
    if named is None or isinstance(named, Whole):
        return
    known = tables_of(subject.spec) if kind == "transform" else tuple(subject.spec.sources)
    noun = "table" if kind == "transform" else "source"
    for index, table in enumerate(named):
        if table not in known:
            hint = known_words(table, known, what=f"the {noun}s") or f"there are no {noun}s"
            yield Finding((*at, kind, index), f"no {noun} '{table}'", hint)


def _is_a_flag(subject: Subject, at: StepsAt, when: str) -> Findings:
    param = subject.spec.params.get(when.removeprefix("params."))
    if param is None or param.type != "boolean":
        flags = [f"params.{name}" for name, each in subject.spec.params.items() if each.type == "boolean"]
        hint = known_words(when, flags, what="the boolean params") or "define it in `params` with type: boolean"
        yield Finding((*at, "when"), f"{when} is no boolean param", hint)


def _can_be_triggered(subject: Subject, at: StepsAt, workflow: str) -> Findings:
    steps = (*at, "trigger", "workflow")
    if workflow == subject.spec.name:
        yield Finding(steps, "a workflow that triggers itself never ends", "name another")
    elif subject.workflows is not None and workflow not in subject.workflows:
        yield Finding(steps, f"no workflow '{workflow}'", known_words(workflow, subject.workflows, what="there are"))


def _names_are_free(at: StepsAt, step: Step) -> Findings:
    kind = step_kind(step)
    if own_name(step) in RESERVED and kind in ("run", "gate", "choice"):
        message = f"'{own_name(step)}' is the name of a kind of step"
        hint = "give the choice another name" if kind == "choice" else "give the step another `name`"
        yield Finding((*at, "name" if step.name else kind), message, hint)
    for name in branches_of(step):
        if name in RESERVED:
            inside = ("branches",) if step.branches is not None else (kind,)
            yield Finding((*at, *inside, name), f"'{name}' is the name of a kind of step", "rename it", on_key=True)


def _nothing_is_there_twice(spec: WorkflowSpec) -> Findings:
    seen: set[str] = set()
    bare: set[str] = set()
    for at, step in walk_steps(spec.steps or ()):
        kind = step_kind(step)
        named = step.ingest or step.validate_ or step.transform
        for index, table in enumerate(named if isinstance(named, tuple) else ()):
            if f"{kind}.{table}" in seen:
                yield Finding((*at, kind, index), f"another step has {kind} of '{table}' already", "each table once")
            seen.add(f"{kind}.{table}")
        if kind in ONLY_ONCE or isinstance(named, Whole):
            if kind in bare:
                yield Finding(at, f"another step is `{kind}` already", _once(kind))
            bare.add(kind)


def _once(kind: str) -> str:
    return f"list its tables, as in `{kind}: [...]`" if kind in TABLE_KINDS else "a run has it once"


def _nothing_is_left_out(spec: WorkflowSpec) -> Findings:
    """What is written elsewhere in the config and no step does would never happen, and nobody would notice."""
    done = {
        (step_kind(step), table)
        for _, step in walk_steps(spec.steps or ())
        if step_kind(step) in TABLE_KINDS
        for table in tables_of_step(spec, step)
    }
    for kind, key, tables in (
        ("ingest", "sources", spec.sources),
        ("validate", "validate", spec.validate_),
        ("transform", "transform", spec.transform),
    ):
        for table in tables:
            if (kind, table) not in done:
                yield Finding((key, table), f"no step has {kind} of '{table}'", f"add `{kind}` to `steps`", on_key=True)


def steps_are_in_order(
    subject: Subject, plan: Plan, reads: dict[str, frozenset[str]], python_checked: tuple[str, ...]
) -> Findings:
    """Check what tasks need of each other, in a workflow whose tables exist."""
    spec = subject.spec
    if spec.steps is None:
        return
    places = {id(step): at for at, step in walk_steps(spec.steps)}
    seen: set[str] = set()
    doubled = False
    for task in plan.tasks:
        if task.id in seen and task.step is not None and step_kind(task.step) not in (*TABLE_KINDS, *ONLY_ONCE):
            doubled = True
            hint = "name one of the choices otherwise" if task.kind == "choice" else "give one of them a `name`"
            yield Finding((*places[id(task.step)], task.kind), f"two steps are called '{task.id}'", hint)
        seen.add(task.id)
    if doubled or len(seen) < len(plan.tasks):
        return
    for source in python_checked:
        if f"validate.{source}" not in seen:
            hint = "add `validate` to `steps`"
            yield Finding(("steps",), f"validation.py judges '{source}', and no step has validate of it", hint)
    for task in plan.tasks:
        if task.step is not None:
            at = places[id(task.step)]
            for message, hint in _missing_before(task, plan, subject, reads):
                yield Finding((*at, task.kind), message, hint, on_key=True)


def _missing_before(
    task: Task, plan: Plan, subject: Subject, reads: dict[str, frozenset[str]]
) -> Iterator[tuple[str, str]]:
    before = plan.before(task.id)
    for needed in _needs(task, plan, subject, reads):
        choice = next((each.id for each in plan.tasks if _may_skip(each, needed, unless=task.id)), None)
        if needed in before and choice is not None:
            yield f"{task.id} needs {needed}, which {choice} may skip", "put both into one branch, or none of them"
        elif needed not in before:
            yield f"{task.id} needs {needed}, which is no earlier step", f"put `{needed.partition('.')[0]}` before it"


def _may_skip(choice: Task, task_id: str, *, unless: str) -> bool:
    """Tell whether the task is in one way of the choice, and the other one is not in that way."""
    return any(task_id in way and unless not in way for way in choice.ways.values())


def _needs(task: Task, plan: Plan, subject: Subject, reads: dict[str, frozenset[str]]) -> list[str]:
    """Give the ids of tasks that must have ended when this one begins."""
    spec, table = subject.spec, task.table or ""
    known = frozenset(task.id for task in plan.tasks)
    if task.kind == "validate":
        read = {table, *_sources_judged_against(spec, table)}
        return [f"ingest.{source}" for source in sorted(read)]
    if task.kind == "transform":
        base = base_source(spec, table)
        of = reads.get(table, frozenset())
        batches = {name.removeprefix("batch.") for name in of if name.startswith("batch.")} | (
            {base} if base else set()
        )
        loaded = [f"transform.{name}" for name in sorted(of) if f"transform.{name}" in known]
        judged = [f"validate.{name}" for name in sorted(batches) if f"validate.{name}" in known]
        return [*(f"ingest.{name}" for name in sorted(batches)), *judged, *loaded]
    if task.kind == "publish":
        return ["dbt"] if subject.models else [f"transform.{name}" for name in spec.publish.models or tables_of(spec)]
    return []


def _sources_judged_against(spec: WorkflowSpec, table: str) -> set[str]:
    sources = frozenset(spec.sources)
    checks = spec.validate_.get(table, ())
    looked_up = {check.relationships.to.partition(".")[0] for check in checks if check.relationships}
    return (looked_up & sources).union(*(tables_named_in_sql(check.sql, sources) for check in checks if check.sql))
