"""The tasks of a workflow and their order, known from the spec alone.

The factory makes operators of a plan and ``dataflow workflow run`` walks it, so both run the same workflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dataflow.spec.tables import tables_of

if TYPE_CHECKING:
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["Plan", "Task", "TaskKind", "build_plan"]

TaskKind = Literal["wait", "ingest", "validate", "transform", "dbt", "publish"]


@dataclass(frozen=True, slots=True)
class Task:
    """One task; ``dbt`` stands for the whole group."""

    id: str
    """Airflow's task id, e.g. ``ingest.orders``; ``dbt`` for the group."""
    kind: TaskKind
    table: str | None
    """The source of an ingest, the table of a validate or transform."""
    after: tuple[str, ...]
    """Ids of the tasks that must succeed first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The tasks, each after everything in its ``after``."""

    tasks: tuple[Task, ...]


def build_plan(
    spec: WorkflowSpec, *, has_models: bool, reads: dict[str, frozenset[str]], python_checked: tuple[str, ...] = ()
) -> Plan:
    """Lay out what the run waits for, ingest, validate, transform, dbt and publish.

    Args:
        spec: The workflow.
        has_models: Whether ``dbt/models/<name>`` holds models.
        reads: For each output table the *other* tables that its transform reads, ``batch.x`` for a batch; acyclic.
        python_checked: Sources whose batches functions of ``validation.py`` judge.
    """
    # Numbered as messages number them: the id of the task is the key of the config.
    waits = [Task(f"wait_for.{index}", "wait", None, ()) for index, _ in enumerate(spec.wait_for)]
    arrived = tuple(task.id for task in waits)
    ingests = [Task(f"ingest.{source}", "ingest", source, arrived) for source in spec.sources]
    after_ingest = tuple(task.id for task in ingests)
    checked = [table for table in spec.sources if spec.validate_.get(table) or table in python_checked]
    validates = [Task(f"validate.{table}", "validate", table, after_ingest) for table in checked]
    before_transform = tuple(task.id for task in validates) or after_ingest
    transforms = [
        _transform_task(table, before_transform, reads.get(table, frozenset()))
        for table in _in_reading_order(tables_of(spec), reads)
    ]
    last = tuple(task.id for task in transforms)
    tail: list[Task] = []
    if has_models:
        tail.append(Task("dbt", "dbt", None, last))
        last = ("dbt",)
    tail.append(Task("publish", "publish", None, last))
    return Plan((*waits, *ingests, *validates, *transforms, *tail))


def _transform_task(table: str, before: tuple[str, ...], reads: frozenset[str]) -> Task:
    loads = tuple(f"transform.{name}" for name in sorted(reads) if not name.startswith("batch."))
    return Task(f"transform.{table}", "transform", table, (*before, *loads))


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
