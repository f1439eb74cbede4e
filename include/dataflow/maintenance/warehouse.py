"""The warehouse in order: small files together, old versions gone, what was deleted given back."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from dataflow.ducklake import DuckLake
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.lake_orphans import delete_orphans
from dataflow.warehouse.turns import turn_of
from dataflow.warehouse.upkeep import forget_old_stamps, tidy_file, tidy_lake

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["tidy"]

PATIENCE = timedelta(minutes=1)
"""For each table that is being written or workflow that is being built; the next upkeep comes by again."""


def tidy(settings: Settings, dry_run: bool) -> list[str]:
    """Compact a DuckLake and expire its versions older than ``DATAFLOW_KEEP_SNAPSHOTS``; checkpoint a file.

    What killed transactions left in a lake's place goes too, where the place is marked as the lake's own.
    """
    lake = settings.warehouse
    if not isinstance(lake, DuckLake) and not lake.exists():
        return []
    with open_warehouse(settings, purpose="maintenance") as connection:
        told = forget_old_stamps(connection, dry_run=dry_run)
        if isinstance(lake, DuckLake):
            turn = partial(turn_of, lake, timeout=min(PATIENCE, settings.lock_timeout), purpose="maintenance")
            told += tidy_lake(connection, keep=settings.keep_snapshots, dry_run=dry_run, turn_of=turn)
            return told + delete_orphans(connection, lake, settings.warehouse_data, dry_run=dry_run)
        return told + tidy_file(connection, lake, dry_run=dry_run)
