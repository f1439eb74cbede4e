"""What one ingest is asked to do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.interval import Interval
from dataflow.settings import Settings
from dataflow.spec.sources import Source

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["IngestRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRequest:
    """What to read, and for which run."""

    workflow: str
    table: str
    source: Source
    """Its templates and references already rendered."""
    folder: Path
    """The workflow's folder; relative paths begin there."""
    window: Interval
    cursor: Interval | None
    """The range to read, for an incremental source."""
    run_id: str
    try_number: int
    settings: Settings
    rows: Callable[[], Iterable[object]] | None = None
    """The author's function with its arguments bound, for a python source."""
    log: logging.Logger
    set_aside: Callable[[DuckDBPyConnection, str], int] | None = None
    """Puts the rows of a query into quarantine and gives their number; where there is none they are only counted."""

    @property
    def cursor_column(self) -> str | None:
        """The column that says when a row changed; None unless the source is incremental."""
        return self.source.incremental.cursor if self.source.incremental else None
