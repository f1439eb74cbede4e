"""The records of all pages in one file of lines, in which every row still knows its page."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from dataflow.sources.api.page import Page
from dataflow.sources.reading import SourceFile
from dataflow.sources.so_far import SoFar

__all__ = ["Spool"]


@dataclass(slots=True)
class Spool:
    """Takes page after page."""

    path: Path
    shown: str
    """How messages name the source."""
    so_far: SoFar
    rows: int = 0
    longest: int = 0
    """Bytes of the longest record."""
    _ends: list[int] = field(default_factory=list)

    def add(self, page: Page, into: BinaryIO) -> None:
        """Write a page's records behind those before, and tell how far we are."""
        into.write(page.lines)
        self.rows += page.count
        self.longest = max(self.longest, page.longest)
        self._ends.append(self.rows)
        self.so_far.add(pages=1, records=page.count, size=len(page.lines))

    @property
    def file(self) -> SourceFile:
        """The file, as readers take it."""
        return SourceFile(self.path, self.shown, row_place=self.place)

    def place(self, row: int) -> str:
        """Name a row, the first being 1, by its page and its place in it."""
        page = bisect_left(self._ends, row)
        before = self._ends[page - 1] if page else 0
        return f"{self.shown}: page {page + 1}, record {row - before}"
