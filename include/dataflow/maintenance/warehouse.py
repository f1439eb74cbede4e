"""The warehouse in order: small files together, old versions gone, what was deleted given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.ducklake import DuckLake
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.upkeep import forget_old_stamps, tidy_file, tidy_lake

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["tidy"]


def tidy(settings: Settings, dry_run: bool) -> list[str]:
    """Compact a DuckLake and expire its versions older than ``DATAFLOW_KEEP_SNAPSHOTS``; checkpoint a file."""
    if not isinstance(settings.warehouse, DuckLake) and not settings.warehouse.exists():
        return []
    with open_warehouse(settings, purpose="maintenance") as connection:
        told = forget_old_stamps(connection, dry_run=dry_run)
        if isinstance(settings.warehouse, DuckLake):
            return told + tidy_lake(connection, keep=settings.keep_snapshots, dry_run=dry_run)
        return told + tidy_file(connection, settings.warehouse, dry_run=dry_run)
