"""Where things lie in a project."""

from __future__ import annotations

import os
from pathlib import Path

from dataflow.errors import InputError

__all__ = [
    "REFERENCE",
    "SCHEMA",
    "TEMPLATES",
    "WORKFLOWS",
    "find_project",
    "folder_of",
    "named_project",
    "relative_name",
    "workflow_around",
    "workflows_folder",
]

WORKFLOWS = Path("include", "workflows")
"""From the project root to the folder that holds one folder a workflow."""
TEMPLATES = Path("include", "templates")
"""From the project root to the configs that others extend."""
SCHEMA = Path("include", "dataflow", "workflow.schema.json")
"""From the project root to what editors know of a config."""
REFERENCE = Path("docs", "config-reference.md")
"""From the project root to the page of every key."""


def find_project(start: Path | None = None) -> Path:
    """Give ``DATAFLOW_PROJECT``, else the nearest folder from ``start`` upwards that holds ``include/workflows``.

    Raises:
        InputError: when there is none.
    """
    if (named := named_project()) is not None:
        return named
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / WORKFLOWS).is_dir():
            return folder
    raise InputError(
        f"no project here: neither {here} nor a folder above it holds {WORKFLOWS.as_posix()}; "
        "change to a project's folder or set DATAFLOW_PROJECT"
    )


def named_project() -> Path | None:
    """Give ``DATAFLOW_PROJECT``; None where it names nothing.

    Raises:
        InputError: when what it names is no project.
    """
    named = os.environ.get("DATAFLOW_PROJECT")
    if not named:
        return None
    if not (Path(named) / WORKFLOWS).is_dir():
        raise InputError(f"DATAFLOW_PROJECT={named}: is no project, for it holds no folder {WORKFLOWS.as_posix()}")
    return Path(named)


def workflows_folder(project: Path) -> Path:
    """Give the folder that holds one folder a workflow."""
    return project / WORKFLOWS


def folder_of(project: Path, workflow: str) -> Path:
    """Give one workflow's folder, whether it exists or not."""
    return project / WORKFLOWS / workflow


def workflow_around(path: Path) -> tuple[Path, str]:
    """Give the project and the name of the workflow in whose folder a file lies.

    Raises:
        InputError: when it lies in none.
    """
    for folder in path.resolve().parents:
        if folder.parent.name == WORKFLOWS.name and folder.parent.parent.name == WORKFLOWS.parts[0]:
            return folder.parents[len(WORKFLOWS.parts)], folder.name
    raise InputError(f"{path} is in no workflow; a workflow's tests lie in {WORKFLOWS.as_posix()}/<name>/tests")


def relative_name(project: Path, path: Path) -> str:
    """Give the path as messages show it: relative to the project, with forward slashes."""
    try:
        return path.relative_to(project).as_posix()
    except ValueError:
        return path.as_posix()
