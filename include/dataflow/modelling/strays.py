"""Models, seeds, snapshots and hooks that would write outside their workflow's schemas, as a manifest tells it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.ducklake import DuckLake
from dataflow.errors import Problem
from dataflow.paths import relative_name
from dataflow.warehouse.dbt.bounds import OWN_SCHEMAS_ALONE, Bounds
from dataflow.warehouse.lake import CATALOG

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["catalog_of", "strays"]

_UNKNOWN = "_rendered_by_dbt_"
_HOOKS = ("pre-hook", "post-hook")


def catalog_of(settings: Settings) -> str:
    """Give the warehouse's name as DuckDB derives it from a file's, or as a lake is attached."""
    warehouse = settings.warehouse
    return CATALOG if isinstance(warehouse, DuckLake) else warehouse.name.lstrip(".").split(".")[0]


def strays(manifest: Mapping[str, Any], *, settings: Settings, workflow: str) -> Iterator[Problem]:
    """Find what dbt would make elsewhere, and hooks whose SQL names a schema elsewhere, in the manifest's order.

    Of a hook, what Jinja renders is not known before it runs; then `Bounds` judges the statement itself.

    Args:
        manifest: As dbt writes it.
        settings: Of the installation.
        workflow: Whose models they are; which others the house has is not asked.
    """
    bounds = Bounds(workflow, catalog_of(settings))
    for _, node in sorted({**manifest["nodes"], **manifest.get("functions", {})}.items()):
        files = _Files(node, settings)
        if node.get("relation_name"):
            if node["database"].lower() != bounds.catalog.lower():
                told = f"{node['name']} would lie in the database {node['database']}, which is not the warehouse"
                yield files.problem(r"\bdatabase\b", told, "take `database` out of its config")
            elif not bounds.holds(node["schema"]):
                told = f"{node['name']} would lie in the schema {node['schema']}, which is not its workflow's"
                yield files.problem(r"\b(?:target_)?schema\b", told, f"its schema is `{workflow}`")
        for hook in (hook for kind in _HOOKS for hook in node.get("config", {}).get(kind) or ()):
            if trespass := bounds.trespass(_as_far_as_known(hook["sql"]), unknown=_UNKNOWN):
                first = hook["sql"].strip().splitlines()[0]
                yield files.problem(re.escape(first), f"in a hook, {trespass}", OWN_SCHEMAS_ALONE)


def _as_far_as_known(hook: str) -> str:
    """Give a hook's SQL with what Jinja renders marked; nothing where Jinja says which statements there are."""
    import jinja2

    parts = list(jinja2.Environment(autoescape=True).lex(hook))
    if any(kind == "block_begin" for _, kind, _ in parts):
        return ""
    return "".join(
        text if kind == "data" else _UNKNOWN for _, kind, text in parts if kind in ("data", "variable_begin")
    )


class _Files:
    """Where a node and its config are written."""

    def __init__(self, node: Mapping[str, Any], settings: Settings) -> None:
        self._settings = settings
        properties = (node.get("patch_path") or "").partition("://")[2]
        self._names = [name for name in (node["original_file_path"], properties, "dbt_project.yml") if name]

    def problem(self, pattern: str, message: str, hint: str) -> Problem:
        """Tell it at the first line that matches; at the top of the node's own file where none does."""
        for name in self._names:
            path = self._settings.dbt_project / name
            if path.suffix in (".sql", ".py", ".yml", ".yaml") and path.is_file():
                found = re.search(pattern, text := path.read_text(encoding="utf-8", errors="replace"))
                if found:
                    return self._at(path, text.count("\n", 0, found.start()) + 1, message, hint)
        return self._at(self._settings.dbt_project / self._names[0], 1, message, hint)

    def _at(self, path: Path, line: int, message: str, hint: str) -> Problem:
        return Problem(relative_name(self._settings.project, path), line, 1, "dbt", message, hint)
