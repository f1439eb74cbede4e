"""What killed tasks left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.runtime.leftovers import sweep_leftovers

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["sweep"]


def sweep(settings: Settings, dry_run: bool) -> list[str]:
    """Delete files of the landing that no manifest names, and scratch folders, that nobody touched for a day."""
    files, folders = sweep_leftovers(settings, dry_run=dry_run)
    told = [f"{files} files of the landing that nothing names"] if files else []
    return told + ([f"{folders} scratch folders of killed tasks"] if folders else [])
