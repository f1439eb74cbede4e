"""Not more requests than an API takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Pace"]


@dataclass(slots=True)
class Pace:
    """Spaces requests evenly: at five a second, the next may begin 200 ms after the last began."""

    a_second: float | None = None
    """None for no bound."""
    clock: Callable[[], float] = time.monotonic
    _next: float = field(default=0.0, init=False)

    def delay(self) -> float:
        """Take the next place, and give the seconds until it."""
        if self.a_second is None:
            return 0.0
        now = self.clock()
        begin = max(now, self._next)
        self._next = begin + 1 / self.a_second
        return begin - now
