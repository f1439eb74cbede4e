"""dbt models of a test's own, beside a workflow of made-up events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from dataflow.loading.workflow import Workflow
from dataflow.modelling.manifest import manifest_path
from kit.databases import lake_settings
from kit.project import MOCK_CONFIG, Project

TESTED = "version: 2\nmodels:\n" + "".join(
    f"  - name: {model}\n    columns: [{{name: event_id, data_tests: [not_null, unique]}}]\n"
    for model in ("daily", "latest")
)


@contextmanager
def dbt_project(folder: Path, *, is_lake: bool, data: str | None = None) -> Iterator[Project]:
    """Give a project with the house's dbt project, whose warehouse is a file or a DuckLake, its data at that place."""
    project = Project(folder, dbt=True)
    with lake_settings() if is_lake else nullcontext() as setting:
        if setting is not None:
            place = f"DATAFLOW_WAREHOUSE_DATA={data}\n" if data is not None else ""
            project.write_file(".env", f"DATAFLOW_WAREHOUSE={setting}\n{place}")
        yield project


def write_models(project: Project, name: str = "shop", **config: Any) -> Workflow:
    """Write a workflow of a source `events` and two tested models: `latest`, made of `daily`."""
    project.write_workflow(name, {**MOCK_CONFIG, **config})
    project.write_model(name, "daily", "select * from {{ source('staging', 'events') }}")
    project.write_model(name, "latest", "select * from {{ ref('daily') }}")
    project.write_file(f"dbt/models/{name}/{name}.yml", TESTED)
    return project.workflow(name)


def write_manifest(
    project: Project, workflow: Workflow, nodes: dict[str, list[str]], *, schemas: dict[str, str] | None = None
) -> None:
    """Write the manifest that compile would: ``{"model.a": [], "test.t": ["model.a"]}``, what each depends on.

    A model lies in its workflow's schema, or as ``schemas`` says.
    """
    written = {_id(node): _node(node, [_id(parent) for parent in parents]) for node, parents in sorted(nodes.items())}
    for node in written.values():
        node["schema"] = (schemas or {}).get(node["fqn"][-1], workflow.name)
    path = manifest_path(project.settings(), workflow)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"metadata": {"project_name": "dataflow"}, "nodes": written}), encoding="utf-8")


def _id(node: str) -> str:
    kind, name = node.split(".")
    return f"{kind}.dataflow.{name}" + (".0123456789" if kind == "test" else "")


def _node(node: str, parents: list[str]) -> dict[str, Any]:
    kind, name = node.split(".")
    return {
        "unique_id": _id(node),
        "resource_type": kind,
        "package_name": "dataflow",
        "original_file_path": f"models/{name}.sql",
        "tags": [],
        "fqn": ["dataflow", name],
        "config": {"materialized": "table"},
        "depends_on": {"nodes": parents},
    }
