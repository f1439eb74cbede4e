"""A workflow's compiled manifest: where it lies, and whether it is that of the models as they are now.

Its name carries a hash of all that goes into it, so a manifest is fresh when the file of that name is there.
Importing this module or computing the hash imports no dbt.
"""

from __future__ import annotations

import json
import os
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataflow.errors import InputError, Problem
from dataflow.modelling.sources_yml import FILE_NAME, render_sources
from dataflow.paths import relative_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["error_path", "manifest_hash", "manifest_path", "manifest_problem", "models_folder", "partial_parse_path"]

_FORMAT = "2"
"""Of the manifests that compile writes; counted up when they change."""

_LENGTH = 16
"""Hex digits of the hash."""


def models_folder(settings: Settings, workflow: str) -> Path:
    """Give the folder of the workflow's models, whether it exists or not."""
    return settings.dbt_project / "models" / workflow


def manifest_hash(workflow: Workflow, settings: Settings) -> str:
    """Hash the models, tests and snapshots, the macros, project and profile, dbt's versions and the sources.

    Raises:
        InputError: when there is no dbt project to hash.
    """
    project = os.fspath(settings.dbt_project)
    name = workflow.name
    parts: list[bytes] = []
    for folder in (f"models/{name}", f"tests/{name}", f"snapshots/{name}", "macros"):
        for path in _files(f"{project}/{folder}"):
            parts += _named(path.removeprefix(project), Path(path).read_bytes())
    for file in ("dbt_project.yml", "profiles.yml"):
        try:
            parts += _named(file, Path(project, file).read_bytes())
        except FileNotFoundError:
            raise InputError(f"no dbt project at {project}: {file} is missing") from None
    parts += _named("versions", _versions().encode())
    parts += _named("sources", render_sources(workflow.spec).encode())
    return sha256(b"".join(parts)).hexdigest()[:_LENGTH]


def _named(name: str, content: bytes) -> tuple[bytes, bytes]:
    return f"{name}\0{len(content)}\0".encode(), content


def _files(folder: str) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
        elif entry.name != FILE_NAME and not entry.name.startswith(".") and os.path.isfile(entry.path):  # noqa: PTH113
            yield entry.path


@cache
def _versions() -> str:
    return " ".join([_FORMAT, *(f"{name}={version(name)}" for name in ("dbt-core", "dbt-adapters", "dbt-duckdb"))])


def manifest_path(settings: Settings, workflow: Workflow) -> Path:
    """Give where the manifest of the models as they are now lies once it is compiled."""
    return _manifests(settings) / f"{workflow.name}-{manifest_hash(workflow, settings)}.json"


def partial_parse_path(manifest: Path) -> Path:
    """Give where dbt's partial parse lies beside a manifest."""
    return manifest.with_suffix(".msgpack")


def error_path(manifest: Path) -> Path:
    """Give where compile writes why there is no such manifest."""
    return manifest.with_suffix(".error")


def _manifests(settings: Settings) -> Path:
    return settings.dbt_project / "target" / "manifests"


def manifest_problem(
    workflow: Workflow, settings: Settings, *, uncompiled: Literal["error", "warning"] = "error"
) -> Problem | None:
    """Say what is wrong with the workflow's manifest: dbt's own message, or that it is missing or stale.

    Args:
        workflow: Whose manifest.
        settings: Where it lies.
        uncompiled: How grave it is that nobody compiled the models as they are: a DAG cannot be made without.
    """
    manifest = manifest_path(settings, workflow)
    if manifest.exists():
        return None
    told = error_path(manifest)
    if told.exists():
        return Problem(**json.loads(told.read_text(encoding="utf-8")))
    stale = any(_manifests(settings).glob(f"{workflow.name}-*.json"))
    return Problem(
        path=relative_name(settings.project, models_folder(settings, workflow.name)),
        line=1,
        column=1,
        key="dbt",
        message="the models or the config changed since they were compiled" if stale else "the models are not compiled",
        hint=f"run `dataflow dbt compile {workflow.name}`",
        severity=uncompiled,
    )
