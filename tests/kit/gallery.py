"""The gallery of mistakes: one folder a case, laid out as the workflow's folder: ``config.yaml`` and modules.

Beside them: ``expected.txt``, the exact lines; ``mended.yaml`` and, where the mistake is elsewhere, files in
``mended/``, where ``x.gone`` takes ``x`` away; ``project/``, what else the project holds, and ``mended_project/``, what
of it is mended. A name that ends in ``.txt`` loses it, so that no linter reads what is no Python. ``config.prod.yaml``
is laid over where there is one.
The variables of ``DEFINED`` are set.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from dataflow.errors import Problem
from dataflow.linting.lint import lint
from dataflow.registry import Registry, load_registry
from kit.models import write_manifest
from kit.project import REPOSITORY, Project

GALLERY = REPOSITORY / "tests" / "gallery"
CASES = sorted(case.name for case in GALLERY.iterdir() if case.is_dir())
DEFINED = {"HOME": "/home/ada", "DROP": "/data/drop", "ORDERS": "orders"}
_OF_THE_CASE = ("expected.txt", "mended.yaml", "mended", "project", "mended_project")


def expected(name: str) -> str:
    """Give what is said of a mistake."""
    return (GALLERY / name / "expected.txt").read_text(encoding="utf-8")


def lay_out(name: str, project: Project) -> Path:
    """Write the mistake into a project."""
    case, folder = GALLERY / name, project.folder(name)
    shutil.copytree(case, folder, ignore=shutil.ignore_patterns(*_OF_THE_CASE))
    for file in folder.rglob("*.txt"):
        file.rename(file.with_suffix(""))
    _lay_over(case / "project", project.root)
    if (project.root / "dbt").exists():
        for file in ("dbt_project.yml", "profiles.yml"):
            shutil.copy(REPOSITORY / "dbt" / file, project.root / "dbt" / file)
    return folder


def lay_out_mended(name: str, project: Project) -> None:
    """Write the case as it is once the mistake is mended, its models compiled."""
    folder = lay_out(name, project)
    shutil.copy(GALLERY / name / "mended.yaml", folder / "config.yaml")
    _lay_over(GALLERY / name / "mended", folder)
    _lay_over(GALLERY / name / "mended_project", project.root)
    for gone in folder.glob("*.gone"):
        gone.with_suffix("").unlink()
        gone.unlink()
    for workflow in load_registry(project.root, environment="prod").workflows.values():
        if workflow.models:
            write_manifest(project, workflow, {f"model.{model}": [] for model in workflow.models})


def _lay_over(given: Path, folder: Path) -> None:
    if given.exists():
        shutil.copytree(given, folder, dirs_exist_ok=True)


def validated(project: Project) -> tuple[Registry, tuple[Problem, ...]]:
    """Give the workflows and everything that `dataflow config validate` tells of them."""
    registry = load_registry(project.root, environment="prod")
    settings = project.settings().model_copy(update={"environment": "prod"})
    found = lint(registry, settings, variables=DEFINED)
    return registry, tuple(sorted({*registry.problems, *found}))
