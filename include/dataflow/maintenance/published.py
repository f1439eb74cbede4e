"""Versions of published tables that readers have left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.warehouse.versions import old_versions, read_current, sweep_versions

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["expire"]


def expire(settings: Settings, dry_run: bool) -> list[str]:
    """Delete versions that have not been current for ``DATAFLOW_KEEP_SNAPSHOTS``; the current one stays."""
    told = []
    for place in sorted(settings.published.glob("[a-z]*/")):
        if place.is_symlink() or read_current(place) is None:
            continue  # no publish of ours ever wrote it
        act = old_versions if dry_run else sweep_versions
        found = act(place, keep=None, older_than=settings.keep_snapshots)
        told += [f"{len(found)} versions of {place.name}"] if found else []
    return told
