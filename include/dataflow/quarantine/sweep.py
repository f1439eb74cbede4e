"""Delete quarantine files: those that no record names, and those of records that are over."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from dataflow.landing import files
from dataflow.ops.runs import now
from dataflow.ops.tables import quarantine, runs
from dataflow.quarantine.store import AREA

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.ops.history import History
    from dataflow.s3.place import S3Place

__all__ = ["expire_quarantine", "sweep_quarantine"]

BATCH = 5
DAY = timedelta(hours=24)


def sweep_quarantine(
    history: History, landing: Path | S3Place, *, older_than: timedelta = DAY, dry_run: bool = False
) -> int:
    """Delete files that no record names, in folders where nothing changed for so long; give their number.

    Safe beside running tasks, which write the record right after the files.
    """
    before = time.time() - older_than.total_seconds()
    idle = [folder for folder in files.walk(files.join(landing, AREA)) if folder.written < before]
    with history.read() as connection:
        named = {row.uri.rpartition("/")[0] for row in connection.execute(sa.select(quarantine.c.uri))}
    deleted = 0
    for folder in idle:
        if folder.depth == BATCH and folder.name not in named:
            deleted += len(folder.files)
            if not dry_run:
                files.delete(*(files.join(folder.name, name) for name in folder.files))
        if not dry_run:
            files.delete_empty(folder.name)
    return deleted


def expire_quarantine(
    history: History, landing: Path | S3Place, *, older_than: timedelta, dry_run: bool = False
) -> int:
    """Delete records that were replayed or superseded and are older than that, with their files; give their number.

    What still waits for somebody is never deleted, nor what a replay that did not get to its end put back.
    """
    over = sa.or_(quarantine.c.replayed_by.is_not(None), quarantine.c.superseded_by.is_not(None))
    unfinished = sa.select(runs.c.run_id).where(runs.c.replay_of.is_not(None), runs.c.status != "COMPLETED")
    half_done = sa.and_(quarantine.c.replayed_by.is_not(None), quarantine.c.replayed_by.in_(unfinished))
    found = (over, ~half_done, quarantine.c.quarantined_at < now() - older_than)
    with history.read() as connection:
        numbers = [row.id for row in connection.execute(sa.select(quarantine.c.id).where(*found))]
    if numbers and not dry_run:
        with history.write() as connection:
            connection.execute(sa.delete(quarantine).where(quarantine.c.id.in_(numbers)))
        sweep_quarantine(history, landing)  # the files are old, and nobody names them any more
    return len(numbers)
