"""Notices that configs or dbt models changed, so that their manifests are compiled again while Airflow runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.paths import TEMPLATES, WORKFLOWS

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["ModelWatch"]

MADE_BY_COMPILE = frozenset({"target", "logs", "_sources.yml", ".user.yml", "__pycache__"})
NOT_READ_BY_DBT = frozenset({"data", "evidence", "tests", "__pycache__"})


class ModelWatch:
    """Compares what a compile reads with how it was at the last look."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._compiled = self._now()
        self._last = self._compiled

    def is_due(self) -> bool:
        """Tell whether files changed since the last compile and have been still for one look."""
        now = self._now()
        still = now == self._last
        self._last = now
        if not still or now == self._compiled:
            return False
        self._compiled = now
        return True

    def _now(self) -> frozenset[tuple[str, int, int]]:
        folders = [self._settings.project / folder for folder in (WORKFLOWS, TEMPLATES)]
        configs = [file for folder in folders for file in _files(folder, leave_out=NOT_READ_BY_DBT)]
        read = [file for file in configs if file.name.endswith((".yaml", ".yml"))]
        return frozenset(_marks([*read, *_files(self._settings.dbt_project, leave_out=MADE_BY_COMPILE)]))


def _files(folder: Path, *, leave_out: frozenset[str]) -> Iterator[os.DirEntry[str]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # not there, or gone since it was listed
        return
    for entry in entries:
        if entry.name in leave_out:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), leave_out=leave_out)
        else:
            yield entry


def _marks(entries: list[os.DirEntry[str]]) -> Iterator[tuple[str, int, int]]:
    for entry in entries:
        try:
            status = entry.stat()
        except OSError:
            continue
        yield entry.path, status.st_mtime_ns, status.st_size
