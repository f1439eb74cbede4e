"""How much work something is, whatever else the machine and the suite do meanwhile."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Effort:
    """What the body of a ``with effort()`` took."""

    seconds: float
    """CPU seconds of this thread; known once the body has ended."""


@contextmanager
def effort() -> Iterator[Effort]:
    """Measure the body: not the other threads, and not the collector's walk over what earlier tests left behind.

    That walk once took 2 s, of a body that takes a twentieth of a second.
    """
    took = Effort()
    collects = gc.isenabled()
    gc.disable()
    began = time.thread_time()
    try:
        yield took
    finally:
        took.seconds = time.thread_time() - began
        if collects:
            gc.enable()
