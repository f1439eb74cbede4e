"""The standard suite's rule for a workflow's dbt models: each is described and tested."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.modelling.manifest import models_folder
from dataflow.modelling.sources_yml import FILE_NAME
from dataflow.paths import relative_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["model_complaints"]


def model_complaints(workflow: Workflow, settings: Settings) -> list[str]:
    """Find models without a description or without a test, and property files that cannot be read."""
    folder = models_folder(settings, workflow.name)
    shown = relative_name(settings.project, folder)
    complaints: list[str] = []
    described: dict[str, Mapping[str, Any]] = {}
    for file in sorted([*folder.rglob("*.yml"), *folder.rglob("*.yaml")]):
        if file.name == FILE_NAME:
            continue
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as error:
            complaints.append(f"{relative_name(settings.project, file)}: not valid YAML: {error}")
            continue
        described |= {model["name"]: model for model in content.get("models") or ()}
    tested_alone = _models_of_singular_tests(settings, workflow)
    for model in workflow.models:
        said = described.get(model, {})
        if not said.get("description"):
            complaints.append(
                f"{shown}: the model {model} has no description; give it one in {shown}/{folder.name}.yml"
            )
        if not _has_test(said) and model not in tested_alone:
            complaints.append(
                f"{shown}: the model {model} has no test; give one of its columns `data_tests: [not_null]`, or more"
            )
    return complaints


def _has_test(said: Mapping[str, Any]) -> bool:
    places = [said, *(said.get("columns") or ())]
    return any(place.get("data_tests") or place.get("tests") for place in places)


def _models_of_singular_tests(settings: Settings, workflow: Workflow) -> set[str]:
    files = (settings.dbt_project / "tests" / workflow.name).rglob("*.sql")
    return {name for file in files for name in re.findall(r"ref\(\s*['\"](\w+)['\"]", file.read_text(encoding="utf-8"))}
