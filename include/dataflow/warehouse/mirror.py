"""Snapshots as a private place sees them: a sandbox reads what others really published, and changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from dataflow.settings import Settings
from dataflow.warehouse.snapshot import current_snapshot
from dataflow.warehouse.versions import versions_at

__all__ = ["mirror"]


def mirror(settings: Settings, workflow: str, *, tables: Collection[str], into: Path) -> None:
    """Show in a folder of this machine what a workflow published: by a link, or a copy of those tables from S3.

    A workflow that published nothing shows nothing.

    Args:
        settings: Where snapshots really lie.
        workflow: Whose.
        tables: Those that are read.
        into: The private folder of snapshots; what a link shows there already is let be.

    Raises:
        TransientError: when the store did not answer.
    """
    real, place = settings.published / workflow, into / workflow
    if isinstance(real, Path):
        if real.is_dir() and not place.exists():
            place.symlink_to(real, target_is_directory=True)
        return
    snapshot = current_snapshot(settings, workflow)
    if snapshot is None:
        return
    versions = versions_at(place)
    with versions.new(into) as draft:
        for table in snapshot.tables.keys() & tables:
            snapshot.fetch(table, into=draft.folder)
    described = {table: {"rows": rows, "columns": snapshot.columns[table]} for table, rows in snapshot.tables.items()}
    files = {name: asdict(stored) for name, stored in draft.files.items()}
    content = {"version": draft.version, "run_id": snapshot.run_id, "tables": described, "files": files}
    versions.point_to(content, may=lambda _: True)
