"""Every mistake that we know: what is said of it, to the letter, and that the mended config is sound.

A case is a folder in ``tests/gallery``, laid out as the workflow's folder: ``config.yaml`` and modules. Beside them:
``expected.txt``, the exact lines; ``mended.yaml`` and, where the mistake is elsewhere, files in ``mended/``;
``project/``, what else the project holds, and ``mended_project/``, what of that is mended. A name that ends in ``.txt``
loses it, so that no linter reads what is no Python. ``config.prod.yaml`` is laid over where there is one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dataflow.registry import load_registry
from kit.project import Project

GALLERY = Path(__file__).resolve().parents[1] / "gallery"
CASES = sorted(case.name for case in GALLERY.iterdir() if case.is_dir())
OF_THE_CASE = ("expected.txt", "mended.yaml", "mended", "project", "mended_project")


def lay_out(case: Path, project: Project) -> Path:
    folder = project.folder(case.name)
    shutil.copytree(case, folder, ignore=shutil.ignore_patterns(*OF_THE_CASE))
    if (case / "project").exists():
        shutil.copytree(case / "project", project.root, dirs_exist_ok=True)
    for file in folder.rglob("*.txt"):
        file.rename(file.with_suffix(""))
    return folder


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_with_its_place_and_the_way_out(name: str, project: Project) -> None:
    case = GALLERY / name
    lay_out(case, project)

    told = load_registry(project.root, environment="prod").problems

    assert (case / "expected.txt").read_text() == "".join(f"{problem}\n" for problem in told)


@pytest.mark.parametrize("name", CASES)
def test_the_mended_config_is_sound(name: str, project: Project) -> None:
    case = GALLERY / name
    folder = lay_out(case, project)
    shutil.copy(case / "mended.yaml", folder / "config.yaml")
    if (case / "mended").exists():
        shutil.copytree(case / "mended", folder, dirs_exist_ok=True)
    if (case / "mended_project").exists():
        shutil.copytree(case / "mended_project", project.root, dirs_exist_ok=True)

    registry = load_registry(project.root, environment="prod")

    assert () == registry.problems
    assert name in registry.workflows
