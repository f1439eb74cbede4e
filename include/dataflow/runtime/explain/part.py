"""One part of a step: a check, a stage, a load."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """What it is called, and its SQL."""

    name: str
    sql: tuple[str, ...] = ()
    note: str = ""
    """What is no SQL, or why the SQL is known only when it runs."""
