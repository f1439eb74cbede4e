"""A folder of the landing, wherever it lies."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DRAFT", "Folder"]

DRAFT = ".tmp"
"""How a file's name ends while it is written; no manifest names such a file."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of the landing."""

    name: str
    depth: int
    """Names below the landing: 1 is a workflow, 2 a table, 3 a window, 4 a run, 5 a batch."""
    files: tuple[str, ...]
    written: float
    """When it or a file in it changed last (seconds, Unix)."""
