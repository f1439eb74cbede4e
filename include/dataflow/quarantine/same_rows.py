"""Corrections that know the same row: where one is forgotten, another of them counts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.duckdb_memory import open_in_memory
from dataflow.landing.manifest import local_files, read_manifest
from dataflow.landing.scan import scan_of
from dataflow.quarantine.corrections import Correction, list_corrections
from dataflow.quarantine.fingerprint import ORIGIN

if TYPE_CHECKING:
    from dataflow.ops.history import History
    from dataflow.settings import Settings

__all__ = ["corrections_of_same_rows"]


def corrections_of_same_rows(history: History, correction: Correction, *, settings: Settings) -> list[Correction]:
    """Give the other corrections that count and know a row that this one knows, the newest first."""
    others = [
        each
        for each in list_corrections(history, workflow=correction.workflow, table=correction.table)
        if each.stage == correction.stage and each.id != correction.id
    ]
    if not others:
        return []
    settings.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="quarantine-", dir=settings.scratch) as scratch:
        folder = Path(scratch)
        own = _origins(correction, folder)
        with open_in_memory(settings.memory, spill=folder / "spill") as connection:
            return [
                each
                for each in others
                if connection.execute(f"{_origins(each, folder)} INTERSECT {own} LIMIT 1").fetchone() is not None
            ]


def _origins(correction: Correction, folder: Path) -> str:
    """Give the query of the fingerprints of the rows that a correction knows."""
    paths = local_files(read_manifest(correction.uri), folder / str(correction.id))
    return f"SELECT {ORIGIN} FROM {scan_of(paths)}"
