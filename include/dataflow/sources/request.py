"""What one ingest is asked to do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.interval import Interval
from dataflow.settings import Settings
from dataflow.spec.sources import Source

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["IngestRequest", "SetAside"]


@dataclass(frozen=True, slots=True)
class SetAside:
    """What became of rows that were to be set aside."""

    rows: int
    """How many lie in quarantine."""
    corrected: str | None = None
    """A query of rows to land in the place of others: it is known what they should be."""
    cut_rows: int = 0
    """How many are known to belong to another run."""


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
    watch: Callable[[str], None] = lambda _: None
    """Told how much was read so far, in words, while it goes on."""
    set_aside: Callable[[DuckDBPyConnection, str, Mapping[str, str], Path], SetAside] | None = None
    """Puts the rows of a query into quarantine; where there is none they are only counted.

    It takes the query, the columns of what is landed beside them, and a scratch folder.
    """

    before_commit: Callable[[], None] = lambda: None
    """Called when all is written, before anybody sees it; an error of it ends the ingest, and nothing is seen."""

    @property
    def cursor_column(self) -> str | None:
        """The column that says when a row changed; None unless the source is incremental."""
        return self.source.incremental.cursor if self.source.incremental else None
