"""The records of all pages in one file of lines, in which every row still knows its page."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from dataflow.sources.api.page import Page
from dataflow.sources.reading import SourceFile

__all__ = ["Spool"]

TELL_SECONDS = 5.0


@dataclass(slots=True)
class Spool:
    """Takes page after page."""

    path: Path
    shown: str
    """How messages name the source."""
    log: logging.Logger
    rows: int = 0
    size: int = 0
    """Bytes."""
    longest: int = 0
    """Bytes of the longest record."""
    _ends: list[int] = field(default_factory=list)
    _told: float = field(default_factory=time.monotonic)

    def add(self, page: Page, into: BinaryIO) -> None:
        """Write a page's records behind those before, and tell now and then how far we are."""
        into.write(page.lines)
        self.rows += page.count
        self.size += len(page.lines)
        self.longest = max(self.longest, page.longest)
        self._ends.append(self.rows)
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._told = time.monotonic()
            self.tell("so far ")

    def tell(self, when: str = "") -> None:
        """Log how much was read."""
        size = self.size / 1e6
        self.log.info("%s: %s%d pages, %d records, %.1f MB", self.shown, when, len(self._ends), self.rows, size)

    @property
    def file(self) -> SourceFile:
        """The file, as readers take it."""
        return SourceFile(self.path, self.shown, row_place=self.place)

    def place(self, row: int) -> str:
        """Name a row, the first being 1, by its page and its place in it."""
        page = bisect_left(self._ends, row)
        before = self._ends[page - 1] if page else 0
        return f"{self.shown}: page {page + 1}, record {row - before}"
