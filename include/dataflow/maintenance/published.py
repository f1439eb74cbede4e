"""Versions of published tables that readers have left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.warehouse.versions import places_below

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["expire"]


def expire(settings: Settings, dry_run: bool) -> list[str]:
    """Delete versions that have not been current for ``DATAFLOW_KEEP_SNAPSHOTS``; the current one stays."""
    told = []
    for name, versions in places_below(settings.published):
        act = versions.old if dry_run else versions.sweep
        found = act(keep=None, older_than=settings.keep_snapshots)
        told += [f"{len(found)} versions of {name}"] if found else []
    return told
