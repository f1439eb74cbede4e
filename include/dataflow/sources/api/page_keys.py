"""Pages that have a declared key in none of their records: a schema that changes between two pages.

Looking is cheap where nothing changed: the first record of a page has every key, and is the only one taken apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.sources.api.page import Page

if TYPE_CHECKING:
    import msgspec

__all__ = ["PageKeys", "PageWithout"]

Keys = Sequence[str]
"""The way to a value in a record."""

_PLAIN = re.compile(r"[A-Za-z0-9_. -]+")
"""Keys that every server writes alike; others may come with escapes."""


@dataclass(frozen=True, slots=True)
class PageWithout:
    """A page whose records lack a column that every record of the pages with it has."""

    column: str
    number: int
    records: int
    found: tuple[str, ...]
    """The keys of its first record."""


@dataclass(slots=True)
class PageKeys:
    """Looks at each page before it is forgotten."""

    wanted: Mapping[str, Keys]
    """Where in a record each declared column is."""
    _counts: list[int] = field(default_factory=list)
    """The records of each page."""
    _without: dict[str, list[PageWithout]] = field(default_factory=dict)

    def look(self, page: Page) -> None:
        """Note which columns are in none of the page's records."""
        self._counts.append(page.count)
        if not page.count:
            return
        first = _decoded(page.lines[: page.lines.index(b"\n")])
        for column, keys in self.wanted.items():
            if not _has(first, keys) and not any(_has(record, keys) for record in _with_key(page.lines, keys[0])):
                without = PageWithout(column, page.number, page.count, tuple(first))
                self._without.setdefault(column, []).append(without)

    def gone(self, lines: Path) -> list[PageWithout]:
        """Give for each column that is gone from some pages, and in every record of the others, the first of them.

        A key that only some records have is no promise of the source: it may be missing from all of a page.

        Args:
            lines: The records of all pages, a line each.
        """
        filled = sum(count > 0 for count in self._counts)
        suspects = {column: pages for column, pages in self._without.items() if len(pages) < filled}
        if not suspects:
            return []
        lacking = {column: {page.number for page in pages} for column, pages in suspects.items()}
        with lines.open("rb") as records:
            for number, count in enumerate(self._counts, 1):
                asked = [column for column in suspects if number not in lacking[column]]
                for line in islice(records, count):
                    record = _decoded(line) if asked else {}
                    for column in [column for column in asked if not _has(record, self.wanted[column])]:
                        asked.remove(column)
                        del suspects[column]
                if not suspects:
                    return []
        return [pages[0] for pages in suspects.values()]


def _with_key(lines: bytes, key: str) -> Iterator[Mapping[str, Any]]:
    """Give the records of a page in whose text the key stands, at whatever depth."""
    if not _PLAIN.fullmatch(key):
        yield from map(_decoded, lines.splitlines())
        return
    written, at = json.dumps(key).encode(), 0
    while (found := lines.find(written, at)) >= 0:
        begin, at = lines.rfind(b"\n", 0, found) + 1, lines.index(b"\n", found) + 1
        yield _decoded(lines[begin : at - 1])


def _decoded(line: bytes) -> Mapping[str, msgspec.Raw]:
    import msgspec

    return msgspec.json.decode(line, type=dict[str, msgspec.Raw])


def _has(record: Mapping[str, Any], keys: Keys) -> bool:
    """Tell whether a record has the key, or nothing on the way in which it could be."""
    if keys[0] not in record:
        return False
    inside = record[keys[0]]
    if len(keys) == 1 or bytes(memoryview(inside)[:1]) != b"{":
        return True
    return _has(_decoded(inside), keys[1:])
