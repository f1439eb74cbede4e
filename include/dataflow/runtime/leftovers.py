"""Leftovers of killed tasks, deleted once a day by the task that comes first: orphans, and scratch folders."""

from __future__ import annotations

import logging
import shutil
import time
from datetime import timedelta
from pathlib import Path

from dataflow.errors import StepError
from dataflow.landing.orphans import sweep_landing
from dataflow.ops.history import open_history
from dataflow.quarantine.orphans import sweep_quarantine
from dataflow.settings import Settings

__all__ = ["sweep_leftovers", "sweep_once_a_day"]

DAY = timedelta(hours=24)
MARK = ".swept"


def sweep_once_a_day(settings: Settings, *, log: logging.Logger) -> None:
    """Delete files of the landing that no manifest names, and folders of scratch, that nobody touched for a day.

    Safe beside running tasks. What cannot be deleted stays for the next day; the task that sweeps goes on.
    """
    mark = settings.scratch / MARK
    try:
        if mark.exists() and mark.stat().st_mtime > _a_day_ago():
            return
        settings.scratch.mkdir(parents=True, exist_ok=True)
        mark.touch()
        files, folders = sweep_leftovers(settings)
    except (OSError, StepError) as exc:
        log.warning("what killed tasks left behind could not be swept: %s", exc)
        return
    if files or folders:
        log.info("swept %d files of the landing and %d scratch folders of killed tasks", files, folders)


def sweep_leftovers(settings: Settings, *, dry_run: bool = False) -> tuple[int, int]:
    """Delete what `sweep_once_a_day` does, now; give the numbers of files and of folders.

    Raises:
        OSError, StepError: when landing or scratch cannot be read.
    """
    files = sweep_landing(settings.landing, older_than=DAY, dry_run=dry_run)
    files += sweep_quarantine(open_history(settings.ops), settings.landing, older_than=DAY, dry_run=dry_run)
    folders = [folder for folder in _of_tries(settings.scratch) if not _is_used(folder)]
    for folder in () if dry_run else folders:
        shutil.rmtree(folder, ignore_errors=True)
    return files, len(folders)


def _of_tries(scratch: Path) -> list[Path]:
    """Give ``<what>-<random>`` and ``<workflow>/<run>``; no workflow has a dash in its name."""
    return [folder for folder in (*scratch.glob("*-*"), *scratch.glob("[!-.]*/*")) if folder.is_dir()]


def _is_used(folder: Path) -> bool:
    """Tell whether anything in the folder changed within a day, or is just being changed."""
    try:
        return any(path.lstat().st_mtime > _a_day_ago() for path in (folder, *folder.rglob("*")))
    except FileNotFoundError:
        return True


def _a_day_ago() -> float:
    return time.time() - DAY.total_seconds()
