"""The tasks of a workflow and their order.

The factory makes operators of a plan and ``dataflow workflow run`` walks it, so both run the same workflow.
`dataflow.spec.planning` makes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dataflow.spec.steps import Step

__all__ = ["Group", "Plan", "Task", "TaskKind"]

TaskKind = Literal[
    "wait", "ingest", "validate", "transform", "dbt", "publish", "run", "gate", "choice", "join", "approve", "trigger"
]


@dataclass(frozen=True, slots=True)
class Group:
    """What Airflow draws as one box."""

    id: str
    label: str
    names_its_tasks: bool = False
    """Whether its id begins those of its tasks; Airflow shows them without it then."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task; ``dbt`` stands for the whole group."""

    id: str
    """Airflow's task id, e.g. ``ingest.orders``; ``dbt`` for the group."""
    kind: TaskKind
    table: str | None
    """The source of an ingest, the table of a validate or transform."""
    after: tuple[str, ...]
    """Ids of the tasks that must succeed first; of a join, that must not fail."""
    step: Step | None = None
    """What the config says of it; None for a join."""
    groups: tuple[Group, ...] = ()
    """What it is drawn in, the outermost first."""
    ways: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of a choice: the tasks of each branch."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The tasks, each after everything in its ``after``."""

    tasks: tuple[Task, ...]

    def find(self, task_id: str) -> Task | None:
        """Give the task of that id."""
        return next((task for task in self.tasks if task.id == task_id), None)

    def before(self, task_id: str) -> frozenset[str]:
        """Give the ids of all tasks that have ended when this one begins."""
        by_id = {task.id: task for task in self.tasks}
        found: set[str] = set()
        left = list(by_id[task_id].after)
        while left:
            each = left.pop()
            if each not in found:
                found.add(each)
                left += by_id[each].after
        return frozenset(found)

    def following(self, task_id: str) -> tuple[str, ...]:
        """Give the ids of all tasks that wait for this one, directly or not, in the order of the plan."""
        found = {task_id}
        for task in self.tasks:
            if not found.isdisjoint(task.after):
                found.add(task.id)
        return tuple(task.id for task in self.tasks if task.id in found and task.id != task_id)

    def skippable_by(self, task: Task) -> tuple[str, ...]:
        """Give the ids of the tasks that may not run, depending on what this one decides."""
        said = task.step.approve or task.step if task.step is not None else None
        if task.kind in ("gate", "approve") and said is not None and said.otherwise == "skip":
            return self.following(task.id)
        return tuple(task_id for ids in task.ways.values() for task_id in ids)

    def skipped_by(self, choice: Task, *, taken: str) -> tuple[str, ...]:
        """Give the ids of the tasks that do not run when this way of a choice is taken."""
        return tuple(task_id for way, ids in choice.ways.items() if way != taken for task_id in ids)
