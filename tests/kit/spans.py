"""When things that Airflow shows were at work, and which of them at once."""

from __future__ import annotations

from datetime import datetime
from itertools import combinations
from typing import Any

__all__ = ["overlapping", "span_of"]


def span_of(shown: dict[str, Any]) -> tuple[datetime, datetime]:
    """Give the begin and end of a run or a task instance, as the REST API gives it."""
    return datetime.fromisoformat(shown["start_date"]), datetime.fromisoformat(shown["end_date"])


def overlapping(spans: list[tuple[str, datetime, datetime]]) -> list[tuple[str, str]]:
    """Give the pairs of names whose spans share a moment."""
    return [(a[0], b[0]) for a, b in combinations(spans, 2) if a[1] < b[2] and b[1] < a[2]]
