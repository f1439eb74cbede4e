"""Folder names of windows and runs: only ``[0-9A-Za-z_-]``, so that every file system and object store takes them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from dataflow.interval import Interval

__all__ = ["run_key", "window_key"]


def window_key(window: Interval) -> str:
    """Give ``20250101T000000Z_20250102T000000Z``; no two windows share a key, and keys sort like windows."""
    return f"{_compact(window.start)}_{_compact(window.end)}"


def run_key(run_id: str) -> str:
    """Give 16 hex digits of the run id's hash; run ids hold ``:`` and ``+``, and whatever users write."""
    return hashlib.sha256(run_id.encode()).hexdigest()[:16]


def _compact(moment: datetime) -> str:
    # "u" sorts after "Z", so a moment with microseconds comes after the full second that it belongs to.
    parts = f"u{moment.microsecond:06}" if moment.microsecond else ""
    return f"{moment.year:04}{moment:%m%dT%H%M%S}{parts}Z"
