"""A workflow's dbt models against its manifest: compiled, as they are now, and holding what is to be published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dataflow.errors import InputError, Problem
from dataflow.linting.dbt_references import problems_of_references
from dataflow.modelling.manifest import manifest_path, manifest_problem, models_folder
from dataflow.paths import relative_name
from dataflow.warehouse.dbt.bounds import Bounds
from dataflow.warehouse.schemas import owner_of

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["problems_of_models"]


def problems_of_models(workflow: Workflow, settings: Settings) -> list[Problem]:
    """Give what is wrong with the models of a workflow, each at its file; nothing where it has none."""
    if not workflow.models:
        return []
    found = list(problems_of_references(workflow, settings))
    if found:
        return found  # dbt would say the same, one at a time
    try:
        # A config is not wrong because its models wait to be compiled, which `make run` and the image do themselves.
        uncompiled = manifest_problem(workflow, settings, uncompiled="warning")
    except InputError as error:
        path = relative_name(settings.project, models_folder(settings, workflow.name))
        return [Problem(path, 1, 1, "", str(error))]
    if uncompiled is not None:
        return [uncompiled]
    manifest = json.loads(manifest_path(settings, workflow).read_bytes())
    return [*_unpublishable(manifest, workflow, settings), *_of_neighbours(manifest, workflow, settings)]


def _of_neighbours(manifest: dict[str, Any], workflow: Workflow, settings: Settings) -> Iterator[Problem]:
    """Find models in a schema that is a neighbour's: the models of `shop` with `schema: report`, and `shop_report`."""
    bounds = Bounds.in_house(settings.project, workflow.name, catalog="")
    for node in manifest["nodes"].values():
        if _is_model(node) and "schema" in node and not bounds.holds(node["schema"]):
            path = relative_name(settings.project, settings.dbt_project / node["original_file_path"])
            owner = owner_of(node["schema"], bounds.others)
            message = f"it would lie in the schema {node['schema']}, which is of the workflow {owner}"
            yield Problem(path, 1, 1, "", message, "give another `schema`, or none")


def _unpublishable(manifest: dict[str, Any], workflow: Workflow, settings: Settings) -> Iterator[Problem]:
    """Find published models of which dbt makes no table or view."""
    models = {node["unique_id"].rpartition(".")[2]: node for node in manifest["nodes"].values() if _is_model(node)}
    for name in workflow.published_tables:
        node = models.get(name)
        if node is None:
            folder = models_folder(settings, workflow.name)
            file = next((found for ending in ("sql", "py") for found in folder.rglob(f"{name}.{ending}")), folder)
            path = relative_name(settings.project, file)
            yield Problem(path, 1, 1, "", f"dbt knows no model '{name}'", "it may be disabled; enable or remove it")
        elif node["config"].get("materialized") == "ephemeral":
            path = relative_name(settings.project, settings.dbt_project / node["original_file_path"])
            message = f"'{name}' is ephemeral, so there is nothing to publish"
            yield Problem(path, 1, 1, "", message, "make it a view, or list the others in `publish.models`")
        elif node.get("schema", workflow.name) != workflow.name:
            path = relative_name(settings.project, settings.dbt_project / node["original_file_path"])
            message = f"'{name}' lies in the schema {node['schema']}, of which nothing is published"
            hint = f"leave it in `{workflow.name}`, or list the others in `publish.models`"
            yield Problem(path, 1, 1, "", message, hint)


def _is_model(node: dict[str, Any]) -> bool:
    return bool(node["resource_type"] in ("model", "seed", "snapshot"))
