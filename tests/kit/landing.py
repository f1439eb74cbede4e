"""Batches for tests that need one."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from dataflow.interval import Interval
from dataflow.landing.batch import write_batch

if TYPE_CHECKING:
    from dataflow.landing.manifest import Manifest
    from dataflow.s3.place import S3Place

NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)
DAY = Interval(NEW_YEAR, NEW_YEAR + timedelta(days=1))


def land(
    landing: Path | S3Place,
    query: str = "select range as id from range(3)",
    *,
    run_id: str = "run",
    window: Interval = DAY,
) -> Manifest:
    """Commit a batch of a query's rows for shop.orders."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        duckdb.connect() as connection,
        write_batch(
            landing, workflow="shop", table="orders", window=window, run_id=run_id, try_number=1, scratch=Path(scratch)
        ) as batch,
    ):
        batch.copy(connection, query)
        return batch.commit()


def visible(landing: Path) -> list[str]:
    """Give the names of the files that are not drafts, the pointer left out."""
    return sorted(path.name for path in landing.rglob("*") if path.is_file() and path.suffix != ".tmp")
