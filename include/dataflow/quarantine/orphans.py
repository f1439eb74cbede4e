"""Orphans of quarantine: files that nothing names, for the task was killed before it wrote its record."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from dataflow.landing import files
from dataflow.ops.tables import corrections, quarantine
from dataflow.quarantine.store import AREA

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.ops.history import History
    from dataflow.s3.place import S3Place

__all__ = ["sweep_quarantine"]

BATCH = 5
DAY = timedelta(hours=24)


def sweep_quarantine(
    history: History, landing: Path | S3Place, *, older_than: timedelta = DAY, dry_run: bool = False
) -> int:
    """Delete files that no record or correction names, in folders where nothing changed for so long; give their number.

    Safe beside running tasks, which write the record right after the files.
    """
    before = time.time() - older_than.total_seconds()
    idle = [folder for folder in files.walk(files.join(landing, AREA)) if folder.written < before]
    with history.read() as connection:
        uris = sa.select(quarantine.c.uri).union(sa.select(corrections.c.uri))
        named = {row.uri.rpartition("/")[0] for row in connection.execute(uris)}
    deleted = 0
    for folder in idle:
        if folder.depth == BATCH and folder.name not in named:
            deleted += len(folder.files)
            if not dry_run:
                files.delete(*(files.join(folder.name, name) for name in folder.files))
        if not dry_run:
            files.delete_empty(folder.name)
    return deleted
