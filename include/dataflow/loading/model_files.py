"""The files of a workflow's dbt models: which models there are, and what stands in a file's place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import Problem
from dataflow.loading.files import leads_into

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find_models"]

Advice = tuple[str, str]


def find_models(project: Path, name: str) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Give the names of a workflow's models, every ``.sql`` and ``.py`` below its folder, and what nobody may read.

    A pipe would keep whoever opens it waiting, and a circle of links has no end; so neither is ever hashed or compiled.
    """
    models: list[str] = []
    problems: list[Problem] = []
    for entry in _entries(f"{project}/dbt/models/{name}"):
        odd = _odd(project, entry)
        if odd is not None:
            path = os.path.relpath(entry.path, project).replace(os.sep, "/")
            problems.append(Problem(path, 1, 1, "", *odd))
        elif entry.name.endswith((".sql", ".py")):
            models.append(entry.name.rpartition(".")[0])
    return tuple(sorted(models)), tuple(problems)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    """Give everything below a folder but folders; links to folders are not followed."""
    folders = [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        yield entry
        except (FileNotFoundError, NotADirectoryError):
            continue


def _odd(project: Path, entry: os.DirEntry[str]) -> Advice | None:
    if entry.is_file(follow_symlinks=False):
        return None
    if not entry.is_symlink():
        return "not a file", "a pipe, socket or device stands in its place"
    if not leads_into(project, Path(entry.path)):
        return "a symbolic link that leaves the project", "put the file itself here"
    target = os.path.realpath(entry.path)
    if os.path.isdir(target):  # noqa: PTH112  # false for a circle of links, where the entry itself raises
        return "a symbolic link to a folder", "put the folder itself here"
    return None if os.path.isfile(target) else ("a symbolic link to nothing", "mend or remove the link")  # noqa: PTH113
