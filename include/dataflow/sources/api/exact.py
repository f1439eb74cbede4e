"""Numbers with more digits than a double holds.

DuckDB reads a JSON number with a fraction or an exponent as a double, whatever its column is declared to be:
12345678901234567.89 would be landed as 12345678901234568. Written as text, it is cast digit by digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["as_texts", "needs_all_digits"]

DOUBLE_DIGITS = 15
"""Significant digits that every decimal number keeps as a double (IEEE 754)."""

_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*')


def needs_all_digits(declared: Iterable[str]) -> bool:
    """Tell whether a column of these types, as DuckDB writes them, holds more digits than a double."""
    wide = (_DECIMAL.search(kind) for kind in declared)
    return any(found is not None and int(found[2]) and int(found[1]) > DOUBLE_DIGITS for found in wide)


def as_texts(lines: bytes) -> bytes:
    """Give the same JSON with its fractions and powers as texts; other numbers, and what is text, stay as they are."""
    return _TOKEN.sub(_quoted, lines)


def _quoted(found: re.Match[bytes]) -> bytes:
    token = found[0]
    is_exact = token[:1] == b'"' or not any(each in token for each in (b".", b"e", b"E"))
    return token if is_exact else b'"' + token + b'"'
