"""Landed batches that nobody needs any more.

What stays, however old: the batch of each table's newest window, those of open runs, and those of runs with rows in
quarantine that still wait or whose replay did not end, for a correction is put into them. A run whose batch is gone is
ingested again when it is cleared.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import sqlalchemy as sa

from dataflow.landing import files
from dataflow.landing.current import CURRENT
from dataflow.landing.keys import run_key
from dataflow.landing.manifest import MANIFEST
from dataflow.ops.history import open_history
from dataflow.ops.tables import runs
from dataflow.quarantine.records import list_quarantined

if TYPE_CHECKING:
    from dataflow.ops.history import History
    from dataflow.settings import Settings

__all__ = ["expire"]

WINDOW, BATCH = 3, 5


def expire(settings: Settings, dry_run: bool) -> list[str]:
    """Delete batches older than ``DATAFLOW_KEEP_LANDING``; tell how many of each table."""
    before = time.time() - settings.keep_landing.total_seconds()
    folders = list(files.walk(settings.landing))
    needed = _needed_runs(open_history(settings.ops))
    newest = _newest_windows(settings, folders)
    counts: dict[str, int] = {}
    gone: set[str] = set()
    for folder in folders:
        if folder.depth != BATCH or folder.written >= before or MANIFEST not in folder.files:
            continue
        workflow, table, window, run, _ = _names(settings, folder.name)
        if workflow.startswith("_") or (workflow, run) in needed or newest[workflow, table] == window:
            continue
        counts[f"{workflow}.{table}"] = counts.get(f"{workflow}.{table}", 0) + 1
        gone.add(folder.name)
    if not dry_run:
        for pointer in _pointers_to(folders, gone, before=before):
            files.delete(pointer)
        for name in sorted(gone):
            files.delete(files.join(name, MANIFEST))  # first: nobody sees a batch that is half there
            files.delete_folder(name)
        for folder in folders:
            if folder.written < before and folder.depth < BATCH:
                files.delete_empty(folder.name)
    return [f"{count} batches of {table}" for table, count in sorted(counts.items())]


def _needed_runs(history: History) -> set[tuple[str, str]]:
    """Give workflow and run key of each run whose batches stay."""
    query = sa.select(runs.c.workflow, runs.c.run_id).where(runs.c.status == "OPEN")
    replayed = sa.select(runs.c.workflow, runs.c.replay_of.label("run_id")).where(
        runs.c.replay_of.is_not(None), runs.c.status != "COMPLETED"
    )
    with history.read() as connection:
        needed = {(row.workflow, run_key(row.run_id)) for row in connection.execute(query.union(replayed))}
    waiting = list_quarantined(history, only_open=True)
    return needed | {(found.key.workflow, run_key(found.key.run_id)) for found in waiting}


def _newest_windows(settings: Settings, folders: list[files.Folder]) -> dict[tuple[str, str], str]:
    newest: dict[tuple[str, str], str] = {}
    for folder in folders:
        if folder.depth == BATCH and MANIFEST in folder.files:
            workflow, table, window, *_ = _names(settings, folder.name)
            newest[workflow, table] = max(newest.get((workflow, table), ""), window)  # window keys sort like windows
    return newest


def _pointers_to(folders: list[files.Folder], gone: set[str], *, before: float) -> Iterator[str]:
    """Give each ``current.json`` that names a batch that goes; one that changed lately is somebody's."""
    for folder in folders:
        if folder.depth != WINDOW or CURRENT not in folder.files or folder.written >= before:
            continue
        content = files.read(files.join(folder.name, CURRENT))
        if content is not None:
            named = files.join(folder.name, str(json.loads(content).get("manifest", "")))
            if named.rpartition("/")[0] in gone:
                yield files.join(folder.name, CURRENT)


def _names(settings: Settings, folder: str) -> list[str]:
    return folder.removeprefix(str(settings.landing).rstrip("/") + "/").split("/")
