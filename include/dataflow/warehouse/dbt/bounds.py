"""Where dbt may write for a workflow: in schemas of its own, of the warehouse that all share.

Against accidents: a statement is judged by its words before it runs, so what a function does that a SELECT calls, and
what a Python model does with its session, is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dataflow.paths import workflows_folder
from dataflow.warehouse.dbt.writes import Target, targets_of
from dataflow.warehouse.schemas import STAGING, owner_of, staging_schema

__all__ = ["OWN_SCHEMAS_ALONE", "Bounds"]

OWN_SCHEMAS_ALONE = "models, hooks and macros write to the workflow's own schemas alone"

_NOBODYS = frozenset({"main", "temp", "memory"})
"""Where names lie that stand alone."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Whose schemas are whose."""

    workflow: str
    catalog: str
    """The warehouse, as its database calls it; what else is attached is the house's."""
    others: frozenset[str] = frozenset()
    """Further workflows of the house."""

    @classmethod
    def in_house(cls, project: Path, workflow: str, *, catalog: str) -> Self:
        """Give those of a workflow beside the others of a project."""
        folder = workflows_folder(project)
        names = {each.name for each in folder.iterdir() if each.is_dir()} if folder.is_dir() else set()
        return cls(workflow, catalog, frozenset(names - {workflow}))

    def holds(self, schema: str) -> bool:
        """Tell whether models of the workflow may lie in a schema: ``shop``, or ``shop_...`` where no other has it."""
        return owner_of(schema, (self.workflow, *self.others)) == self.workflow

    def trespass(self, sql: str, *, unknown: str = "") -> str:
        """Say what SQL writes to that is not the workflow's; empty where all is.

        Args:
            sql: One statement or several.
            unknown: What stands in names of which nobody knows yet where they lie; they are passed over.
        """
        for target in targets_of(sql):
            if (not unknown or unknown not in target.name) and (schema := self._foreign(target)):
                owner = owner_of(schema.removeprefix(STAGING), self.others)
                whose = f"which is of the workflow {owner}" if owner else "which is not its own"
                return f"dbt of the workflow {self.workflow} may not write to {target.name}, {whose}"
        return ""

    def _foreign(self, target: Target) -> str:
        """Give the schema of the warehouse, not the workflow's, that a statement writes to."""
        schema = ""
        match target.within:
            case [first] if first != self.catalog.lower():
                schema = first
            case [catalog, second] if catalog == self.catalog.lower():
                schema = second
        own = schema in ("", *_NOBODYS, staging_schema(self.workflow)) or self.holds(schema)
        return "" if own else schema
