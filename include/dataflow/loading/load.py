"""From a workflow's folder to a workflow that can run, or to everything that is wrong with it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dataflow.errors import ConfigError, InputError, Problem
from dataflow.loading.callables import Modules
from dataflow.loading.crosscheck import crosscheck, problems_beside, problems_of_texts
from dataflow.loading.environment_names import is_environment
from dataflow.loading.files import leads_into
from dataflow.loading.layer import Layer
from dataflow.loading.layers import read_layers
from dataflow.loading.messages import problem_at, problems_of
from dataflow.loading.model_files import find_models
from dataflow.loading.rules.subject import Subject
from dataflow.loading.sound_part import SoundPart, sound_part_of
from dataflow.loading.templates import Templates
from dataflow.loading.workflow import Workflow
from dataflow.loading.yaml_document import Node
from dataflow.near_miss import known_words
from dataflow.paths import WORKFLOWS, folder_of, workflows_folder
from dataflow.spec.base import NAME_PATTERN
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["load_workflow"]

SCHEMAS_OF_DUCKDB = frozenset({"information_schema", "main", "pg_catalog", "system", "temp"})
_NAME = re.compile(NAME_PATTERN.replace("$", r"\Z"))


def load_workflow(
    project: Path,
    name: str,
    *,
    environment: str = "",
    defaults: Layer | None = None,
    templates: Templates | None = None,
    workflows: frozenset[str] | None = None,
) -> Workflow:
    """Read, merge and check one workflow. Its modules are looked at, never imported.

    Args:
        project: The project root.
        name: The workflow's folder.
        environment: Whose ``config.<environment>.yaml`` is laid over ``config.yaml``.
        defaults: What every workflow inherits, where it is read already.
        templates: Those of the project, where some of them may be read already.
        workflows: Every workflow of the project, where they are known already.

    Raises:
        InputError: when there is no such folder, or the environment is no name.
        ConfigError: with everything that is wrong with it.
    """
    folder = folder_of(project, name)
    if environment and not is_environment(environment):
        raise InputError(f"the environment {environment!r} is no name; set DATAFLOW_ENVIRONMENT to letters and digits")
    if not os.path.lexists(folder):
        raise InputError(_no_such_workflow(project, name))
    misnamed = _problem_of_folder(project, folder)
    if misnamed is not None:
        raise ConfigError([misnamed])
    layer = read_layers(project, name, environment=environment, defaults=defaults, templates=templates)
    if layer.root is None:
        raise ConfigError(layer.problems)
    data = layer.root.plain()
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    problems = list(layer.problems)
    if "{{" in canonical or "${" in canonical:
        problems += problems_of_texts(layer.root)
    spec = _read_spec(data, name, root=layer.root, problems=problems)
    models, odd_files = find_models(project, name)
    problems += odd_files
    modules = Modules(project, f"{WORKFLOWS.as_posix()}/{name}")
    if isinstance(spec, SoundPart):
        subject = Subject(spec.as_spec(), project, models, modules, workflows)
        problems += problems_beside(spec, subject, layer.root)
    if not isinstance(spec, WorkflowSpec):
        raise ConfigError(_each_told_once(problems, layer.problems))
    subject = Subject(spec, project, models, modules, workflows)
    checked = crosscheck(subject, layer.root)
    problems += checked.problems
    if problems:
        raise ConfigError(_each_told_once(problems, layer.problems))
    return Workflow(
        spec=checked.spec,
        project=project,
        folder=folder,
        plan=checked.plan,
        reads=checked.reads,
        models=models,
        config_hash=hashlib.sha256(canonical.encode()).hexdigest()[:16],
    )


def _read_spec(
    data: dict[str, Any], name: str, *, root: Node, problems: list[Problem]
) -> WorkflowSpec | SoundPart | None:
    """Give the spec, else what is sound of it, else nothing; what is wrong with its shape goes to ``problems``."""
    if "name" in data:
        hint = "the folder's name is the workflow's name"
        problems.append(problem_at(root, ("name",), "unknown key", hint=hint, on_key=True))
    if "sources" not in data and "steps" not in data:
        hint = "where data comes from: each source gives one table; or `steps`"
        problems.append(problem_at(root, ("sources",), "required key is missing", hint=hint))
    try:
        return WorkflowSpec.model_validate({**data, "name": name})
    except ValidationError as error:
        problems += problems_of(error, root)
        return sound_part_of(data, name, error) if "name" not in data else None


def _each_told_once(problems: Iterable[Problem], of_the_reader: tuple[Problem, ...]) -> set[Problem]:
    """Leave out what the model says of a key that the YAML reader complained about already."""
    told = {problem.key for problem in of_the_reader}
    return {*of_the_reader, *(problem for problem in problems if problem.key not in told)}


def _no_such_workflow(project: Path, name: str) -> str:
    try:
        there = [folder.name for folder in workflows_folder(project).iterdir() if folder.is_dir()]
    except FileNotFoundError:
        there = []
    known = known_words(name, there, what="there are")
    return f"there is no workflow {name!r}; {known}" if known else f"there is no workflow {name!r}"


def _problem_of_folder(project: Path, folder: Path) -> Problem | None:
    name = folder.name
    path = f"{WORKFLOWS.as_posix()}/{name}/config.yaml"
    if folder.is_symlink() and not leads_into(project, folder):
        return Problem(path, 1, 1, "", "its folder is a symbolic link that leaves the project", "put it here itself")
    if not _NAME.match(name):
        hint = "rename it: lower case letters, digits and _, from a letter on, 2 to 63 long"
        return Problem(path, 1, 1, "", f"the folder's name {name[:70]!r} cannot name a workflow", hint)
    if name in SCHEMAS_OF_DUCKDB or name.startswith("staging_"):
        why = "is a schema of DuckDB" if name in SCHEMAS_OF_DUCKDB else "begins with `staging_`, like our schemas"
        return Problem(path, 1, 1, "", f"the folder's name '{name}' {why}", "rename the folder")
    return None
