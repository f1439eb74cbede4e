"""SQL in the words of another database, of which DuckDB's parser knows nothing: we look at how it begins."""

from __future__ import annotations

import re

__all__ = ["begins_to_read"]

_BEFORE = re.compile(r"(?:[\s(]|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*(?!!|M!)(?:(?!/\*|\*/).)*\*/)*", re.DOTALL)
"""Blanks, parentheses and comments. ``/*! ... */`` is none: MySQL and MariaDB run what is in it. Nor is one within
another: databases differ in where that ends."""
_READS = re.compile(r"(?:select|with|values)\b", re.IGNORECASE)


def begins_to_read(query: str) -> bool:
    """Tell whether the first word of a query is SELECT, WITH or VALUES; what follows only its database can judge."""
    before = _BEFORE.match(query)
    return _READS.match(query, before.end() if before else 0) is not None
