"""Lines of a CSV that end in another way than its first, which DuckDB's strict reader does not take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["UnlikeLine", "first_unlike"]

NAMES = {"\n": "LF", "\r\n": "CR LF", "\r": "CR"}


@dataclass(frozen=True, slots=True)
class UnlikeLine:
    """A line, and how it and those before it end."""

    number: int
    end: str
    usual: str


def first_unlike(file: Path, quote: str) -> UnlikeLine | None:
    """Give the first line that ends in another way than the first line; what is in quotes ends none."""
    usual, is_quoted = "", False
    # Any byte is a character of this encoding, and no line end of another is changed.
    with file.open(encoding="latin-1", newline="") as lines:
        for number, line in enumerate(lines, 1):
            is_quoted ^= bool(quote) and line.count(quote) % 2 == 1
            end = line[len(line.rstrip("\r\n")) :]
            if is_quoted or not end:
                continue
            usual = usual or end
            if end != usual:
                return UnlikeLine(number, NAMES[end], NAMES[usual])
    return None
