"""Every workflow of a project: healthy ones and problems, as one frozen value.

Two loaders give it: `load_registry` reads the files (the factory, the CLI), `read_published` what Airflow keeps of them
(the page, the API), so that a machine without the files shows what the scheduler really runs.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import ValidationError

from dataflow.errors import ConfigError, InputError, Problem
from dataflow.loading.between import disappointments
from dataflow.loading.carried import parse_import_error
from dataflow.loading.layer import Layer
from dataflow.loading.layers import read_defaults, read_layers
from dataflow.loading.load import load_workflow
from dataflow.loading.messages import problem_at
from dataflow.loading.own_fault import problem_of_ours
from dataflow.loading.templates import Templates
from dataflow.loading.workflow import Workflow
from dataflow.paths import TEMPLATES, WORKFLOWS, workflows_folder
from dataflow.spec.steps import publishes
from dataflow.spec.tables import tables_of
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["PublishedRegistry", "PublishedWorkflow", "Registry", "load_registry", "read_published"]


@dataclass(frozen=True, slots=True)
class Registry:
    """What the files of a project say."""

    workflows: Mapping[str, Workflow]
    """Those that can run, by name, sorted."""
    problems: tuple[Problem, ...]
    """Of all others, sorted."""


def load_registry(root: Path, *, only: str | None = None, environment: str | None = None) -> Registry:
    """Read every workflow of a project, or one; a broken config is a problem and hides no other.

    Args:
        root: The project root.
        only: The one workflow to read; the folders of others are not looked at.
        environment: Whose layer to lay over each config; ``DATAFLOW_ENVIRONMENT`` by default.
    """
    environment = os.environ.get("DATAFLOW_ENVIRONMENT", "") if environment is None else environment
    chosen = [name for name in (_folders(root) if only is None else [only]) if _holds_a_workflow(root, name)]
    everyone = frozenset(chosen) if only is None else None
    defaults, templates = read_defaults(root), Templates(root)
    loaded: dict[str, Workflow] = {}
    problems: set[Problem] = set()
    for name in chosen:
        try:
            loaded[name] = load_workflow(
                root, name, environment=environment, defaults=defaults, templates=templates, workflows=everyone
            )
        except ConfigError as error:
            problems.update(error.problems)
        except InputError:
            if _holds_a_workflow(root, name):
                raise  # the caller's environment is no name; else the folder went while we read
        except Exception as error:  # noqa: BLE001  # one folder must never take the others along
            problems.add(problem_of_ours(name, error))
    if only is None:
        for name, found in _problems_between(
            loaded, partial(read_layers, root, environment=environment, defaults=defaults, templates=templates)
        ):
            problems.add(found)
            loaded.pop(name, None)
    return Registry(MappingProxyType(loaded), tuple(sorted(problems)))


def _folders(root: Path) -> list[str]:
    try:
        with os.scandir(workflows_folder(root)) as entries:
            return sorted(entry.name for entry in entries if entry.name[0] not in "._" and _is_folder(entry))
    except FileNotFoundError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    if entry.is_symlink():
        return os.path.isdir(entry.path)  # noqa: PTH112  # false for a circle of links, where the entry itself raises
    return entry.is_dir()


def _holds_a_workflow(root: Path, name: str) -> bool:
    """Tell a workflow, maybe without its config, from what Python and Git leave behind when a folder goes."""
    folder = f"{root}/{WORKFLOWS.as_posix()}/{name}"
    if os.path.lexists(f"{folder}/config.yaml"):
        return True
    try:
        left = os.listdir(folder)  # noqa: PTH208  # text, for this runs for each workflow of the house
    except (FileNotFoundError, NotADirectoryError):
        return False
    return any(name != "__pycache__" and not name.startswith(".") for name in left)


def _problems_between(loaded: Mapping[str, Workflow], layers_of: Callable[[str], Layer]) -> list[tuple[str, Problem]]:
    """Find what workflows expect of others that the others do not give, and whose fault that is."""
    found: list[tuple[str, Problem]] = []
    for name, workflow in loaded.items():
        for each in disappointments(workflow, loaded):
            layer = layers_of(name)
            if layer.root is not None:
                found.append((name, problem_at(layer.root, each.steps, each.message, hint=each.hint)))
    return found


@dataclass(frozen=True, slots=True)
class PublishedWorkflow:
    """A workflow as Airflow keeps it: the last good one where its files are broken now."""

    spec: WorkflowSpec
    models: tuple[str, ...]
    """Names of its dbt models, sorted."""
    tables: tuple[str, ...]
    """Every table that is loaded."""
    published_tables: tuple[str, ...]
    """What others may read of it."""
    config_hash: str
    manifest: str | None
    """The hash of its dbt manifest, where it has models."""
    problems: tuple[Problem, ...]
    """Why its files are broken now."""
    state: Literal["healthy", "broken"]


@dataclass(frozen=True, slots=True)
class PublishedRegistry:
    """What Airflow keeps of a project."""

    workflows: Mapping[str, PublishedWorkflow]
    """By name, sorted."""
    problems: tuple[Problem, ...]
    """All of them, also of workflows that were never healthy; sorted."""


def read_published(carried: Mapping[str, dict[str, Any]], import_errors: Iterable[str]) -> PublishedRegistry:
    """Read what DAGs carry of their workflows and what Airflow's import errors tell of broken ones. Knows no Airflow.

    Args:
        carried: ``default_args["dataflow"]`` of each DAG that has it, by dag_id.
        import_errors: The texts of Airflow's import errors; those that are not ours are passed over.
    """
    problems = {problem for text in import_errors for problem in parse_import_error(text)}
    workflows: dict[str, PublishedWorkflow] = {}
    for name, value in sorted(carried.items()):
        try:
            own = tuple(sorted(problem for problem in problems if _breaks(problem, name, value)))
            workflows[name] = _published(value, own)
        except (ValidationError, KeyError, TypeError, ValueError, AttributeError):
            path = f"{WORKFLOWS.as_posix()}/{name}/config.yaml"
            message = "its DAG was written by another version of dataflow"
            problems.add(Problem(path, 1, 1, "", message, "wait until Airflow has parsed it again"))
    return PublishedRegistry(MappingProxyType(workflows), tuple(sorted(problems)))


def _published(value: Mapping[str, Any], problems: tuple[Problem, ...]) -> PublishedWorkflow:
    spec = WorkflowSpec.from_public(value["spec"])
    models = tuple(value["models"])
    return PublishedWorkflow(
        spec=spec,
        models=models,
        tables=tables_of(spec),
        published_tables=(spec.publish.models or models or tables_of(spec)) if publishes(spec.steps) else (),
        config_hash=str(value["config_hash"]),
        manifest=value.get("manifest"),
        problems=problems,
        state="broken" if problems else "healthy",
    )


def _breaks(problem: Problem, name: str, value: Mapping[str, Any]) -> bool:
    """Tell whether a problem keeps a workflow from being built: one of its files, of its models, or one it shares."""
    own = (f"{WORKFLOWS.as_posix()}/{name}", f"dbt/models/{name}")
    if problem.severity == "error" and problem.path.startswith(own):
        return any(problem.path == folder or problem.path.startswith(f"{folder}/") for folder in own)
    if problem.path == f"{WORKFLOWS.as_posix()}/defaults.yaml":
        return True
    if problem.path == f"{TEMPLATES.as_posix()}/{value.get('spec', {}).get('extends')}.yaml":
        return True
    shared = re.fullmatch(r"include/(pipelines/.+)\.py", problem.path)
    return shared is not None and f"{shared.group(1).replace('/', '.')}:" in json.dumps(value.get("spec"))
