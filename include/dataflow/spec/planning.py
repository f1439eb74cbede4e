"""Lay out a workflow's steps as the plan of its tasks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from dataflow.spec.plan import Group, Plan, Task, TaskKind
from dataflow.spec.steps import TABLE_KINDS, Step, Whole, branches_of, own_name, step_kind, walk_steps
from dataflow.spec.tables import tables_of

if TYPE_CHECKING:
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["DEFAULT_STEPS", "build_plan", "tables_of_step"]

DEFAULT_STEPS = (
    Step.model_construct(ingest=Whole()),
    Step.model_construct(validate_=Whole()),
    Step.model_construct(transform=Whole()),
    Step.model_construct(dbt=Whole()),
    Step.model_construct(publish=Whole()),
)
"""What a workflow does that has no ``steps``."""

Ends = tuple[str, ...]
"""Ids of the tasks after which the next step begins."""


def build_plan(
    spec: WorkflowSpec, *, has_models: bool, reads: dict[str, frozenset[str]], python_checked: tuple[str, ...] = ()
) -> Plan:
    """Lay out what the run waits for, and the steps one after the other; a step that has nothing to do has no task.

    Args:
        spec: The workflow.
        has_models: Whether ``dbt/models/<name>`` holds models.
        reads: For each output table the *other* tables that its transform reads, ``batch.x`` for a batch; acyclic.
        python_checked: Sources whose batches functions of ``validation.py`` judge.
    """
    planner = _Planner(spec, has_models, reads, python_checked)
    planner.lay_out(spec.steps or DEFAULT_STEPS, planner.wait(), inside=_TOP)
    return Plan(tuple(planner.tasks))


def tables_of_step(spec: WorkflowSpec, step: Step) -> tuple[str, ...]:
    """Give the tables of an ``ingest``, ``validate`` or ``transform``; where it lists none, all that no other does."""
    kind = step_kind(step)
    named = _named(step)
    if named:
        return named
    listed = {table for _, other in walk_steps(spec.steps or ()) if step_kind(other) == kind for table in _named(other)}
    every = tables_of(spec) if kind == "transform" else tuple(spec.sources)
    return tuple(table for table in every if table not in listed)


def _named(step: Step) -> tuple[str, ...]:
    tables = step.ingest or step.validate_ or step.transform
    return tables if isinstance(tables, tuple) else ()


@dataclass(frozen=True, slots=True)
class _Inside:
    """The branch that steps are in."""

    prefix: str = ""
    """Of the ids of tasks that are no table's."""
    groups: tuple[Group, ...] = ()

    def branch(self, owner: str, name: str) -> _Inside:
        group = Group(f"{owner}-{name}".replace(".", "-"), name)
        return _Inside(f"{self.prefix}{name}.", (*self.groups, group))


_TOP = _Inside()


@dataclass
class _Planner:
    spec: WorkflowSpec
    has_models: bool
    reads: dict[str, frozenset[str]]
    python_checked: tuple[str, ...]
    tasks: list[Task] = field(default_factory=list)
    parallels: int = 0

    def __post_init__(self) -> None:
        kinds = Counter(step_kind(step) for _, step in walk_steps(self.spec.steps or DEFAULT_STEPS))
        self.drawn_as_one = frozenset(kind for kind in TABLE_KINDS if kinds[kind] == 1)
        """A box around steps that are apart would be before and after what is between them."""

    def wait(self) -> Ends:
        """Add what must be there first; numbered as messages number it: the id of the task is the key of the config."""
        group = (Group("wait_for", "wait_for", names_its_tasks=True),)
        waits = (f"wait_for.{index}" for index, _ in enumerate(self.spec.wait_for))
        return self._add(*(Task(task_id, "wait", None, (), None, group) for task_id in waits))

    def lay_out(self, steps: tuple[Step, ...], before: Ends, *, inside: _Inside) -> Ends:
        """Add the tasks of steps that follow each other, and give the last ones."""
        for step in steps:
            kind = step_kind(step)
            if kind in TABLE_KINDS:
                before = self._tables(step, before, inside=inside)
            elif kind == "choice":
                before = self._choice(step, before, inside=inside)
            elif kind == "parallel":
                before = self._parallel(step, before, inside=inside)
            elif self._has_work(kind):
                task_id = kind if kind in ("dbt", "publish") else inside.prefix + own_name(step)
                before = self._add(Task(task_id, cast("TaskKind", kind), None, before, step, inside.groups))
        return before

    def _has_work(self, kind: str) -> bool:
        if kind == "dbt":
            return self.has_models
        return kind != "publish" or self.has_models or bool(tables_of(self.spec))

    def _add(self, *tasks: Task) -> Ends:
        self.tasks += tasks
        return tuple(task.id for task in tasks)

    def _tables(self, step: Step, before: Ends, *, inside: _Inside) -> Ends:
        kind = step_kind(step)
        tables = tables_of_step(self.spec, step)
        if kind == "validate":
            tables = tuple(table for table in tables if self.spec.validate_.get(table) or table in self.python_checked)
        group = (Group(kind, kind, names_its_tasks=True),) if kind in self.drawn_as_one else ()
        tasks = []
        for table in _in_reading_order(tables, self.reads) if kind == "transform" else tables:
            read = self.reads.get(table, frozenset()) & frozenset(tables) if kind == "transform" else frozenset()
            after = (*before, *(f"transform.{name}" for name in sorted(read)))
            task_id = f"{kind}.{table}"
            tasks.append(Task(task_id, cast("TaskKind", kind), table, after, step, (*inside.groups, *group)))
        return self._add(*tasks) or before

    def _choice(self, step: Step, before: Ends, *, inside: _Inside) -> Ends:
        name = inside.prefix + own_name(step)
        place = len(self.tasks)
        ends: Ends = ()
        ways: dict[str, tuple[str, ...]] = {}
        for way, steps in branches_of(step).items():
            first = len(self.tasks)
            ends += self.lay_out(steps, (name,), inside=inside.branch(name, way))
            ways[way] = tuple(task.id for task in self.tasks[first:])
        self.tasks.insert(place, Task(name, "choice", None, before, step, inside.groups, ways))
        # A way without tasks ends where it begins, at the choice itself.
        return self._add(Task(f"{name}.join", "join", None, tuple(dict.fromkeys(ends)), None, inside.groups))

    def _parallel(self, step: Step, before: Ends, *, inside: _Inside) -> Ends:
        self.parallels += 1
        owner = f"{inside.prefix}parallel{self.parallels}"
        ends: Ends = ()
        for way, steps in branches_of(step).items():
            ends += self.lay_out(steps, before, inside=inside.branch(owner, way))
        return tuple(dict.fromkeys(ends))


def _in_reading_order(tables: tuple[str, ...], reads: dict[str, frozenset[str]]) -> list[str]:
    ordered: dict[str, None] = {}
    known = frozenset(tables)
    for table in tables:
        path = [table]
        while path:  # a stack of our own: a chain of outputs may be longer than Python's
            others = sorted(reads.get(path[-1], frozenset()))
            waits_for = next((each for each in others if each in known and each not in ordered), None)
            if waits_for is None:
                ordered[path.pop()] = None
            else:
                path.append(waits_for)
    return list(ordered)
