"""Who is told how long this thread waited for the warehouse: for the lock of a file, or a turn on a lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["WORTH_TELLING_SECONDS", "tell_of_wait", "waits_told_to"]

WORTH_TELLING_SECONDS = 0.5
"""Of a wait that the log has."""

_told: ContextVar[Callable[[float], None]] = ContextVar("_told", default=lambda _: None)


@contextmanager
def waits_told_to(listener: Callable[[float], None]) -> Iterator[None]:
    """Tell a listener the seconds of each wait of this thread, those in vain too, while the block runs."""
    before = _told.set(listener)
    try:
        yield
    finally:
        _told.reset(before)


def tell_of_wait(seconds: float) -> None:
    """Say that this thread waited."""
    _told.get()(seconds)
