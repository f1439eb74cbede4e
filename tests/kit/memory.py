"""What Python holds at most while something is done."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["takes_at_most"]


@contextmanager
def takes_at_most(size: int) -> Iterator[None]:
    """Fail when Python holds more bytes at once than these; DuckDB's own are bounded by its settings."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size, f"{peak} bytes"
