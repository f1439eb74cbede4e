"""What Parquet keeps: it has no integer of 128 bits, and DuckDB would write a DOUBLE and lose digits."""

from __future__ import annotations

import re

__all__ = ["kept_as"]

# What is followed by a type is a field of that name.
_HUGE = re.compile(r"\bU?HUGEINT\b(?=[\[,)]|$)")


def kept_as(kind: str) -> str | None:
    """Give the type that values of a DuckDB type have to be cast to, at any depth; None where that is their own."""
    kept = _HUGE.sub("DECIMAL(38,0)", kind)
    return kept if kept != kind else None
