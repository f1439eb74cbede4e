"""Orphans of the landing: files that no manifest names, for their writer was killed."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from dataflow.errors import LandingError
from dataflow.landing import files
from dataflow.landing.manifest import MANIFEST, read_manifest
from dataflow.s3.place import S3Place

__all__ = ["sweep_landing"]

WINDOW, BATCH = 3, 5


def sweep_landing(
    landing: Path | S3Place, older_than: timedelta = timedelta(hours=24), *, dry_run: bool = False
) -> int:
    """Delete files that no manifest names, in folders where nothing changed for so long; give their number.

    Safe beside running writers, who change their folder all the time. Committed batches stay.
    """
    before = time.time() - older_than.total_seconds()
    deleted = 0
    for folder in files.walk(landing):
        if folder.written >= before:
            continue
        orphans = [files.join(folder.name, name) for name in _orphans(folder)]
        deleted += len(orphans)
        if not dry_run:
            files.delete(*orphans)
            files.delete_empty(folder.name)
    return deleted


def _orphans(folder: files.Folder) -> list[str]:
    if folder.depth == WINDOW:
        return [name for name in folder.files if name.endswith(files.DRAFT)]
    if folder.depth != BATCH:
        return []
    if MANIFEST not in folder.files:
        return list(folder.files)
    try:
        manifest = read_manifest(files.join(folder.name, MANIFEST))
    except LandingError:
        return []  # damaged: someone must look at it
    named = {MANIFEST, *(part.name for part in manifest.parts)}
    return [name for name in folder.files if name not in named]
