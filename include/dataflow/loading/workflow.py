"""A workflow as it was loaded: its spec and what its folder adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dataflow.spec.plan import Plan
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["Workflow"]


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow in which nothing is wrong: what the factory makes a DAG of, and what a task runs."""

    spec: WorkflowSpec
    project: Path
    """The project root that it was read from."""
    folder: Path
    """The workflow's folder, beside whose modules its config was parsed."""
    plan: Plan
    """Its tasks and their order."""
    reads: dict[str, frozenset[str]]
    """For each output table the other tables that its transform reads; ``batch.x`` for a batch."""
    models: tuple[str, ...]
    """Names of its dbt models, from the files in ``dbt/models/<name>``; sorted."""
    config_hash: str
    """Of the config as merged; 16 hex digits, carried into run history."""

    @property
    def name(self) -> str:
        """The folder's name, which is the dag_id."""
        return self.spec.name

    @property
    def published_tables(self) -> tuple[str, ...]:
        """What publish gives others, where a step publishes: the chosen models, else all, else the loaded tables."""
        from dataflow.spec.tables import tables_of

        if self.plan.find("publish") is None:
            return ()
        return self.spec.publish.models or self.models or tables_of(self.spec)
