"""How much of a source was read so far, for the task's log and for whoever watches the run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread

from rich.filesize import decimal

__all__ = ["SoFar"]

TELL_SECONDS = 5.0
LOOK_SECONDS = 0.5


class SoFar:
    """Adds up what was read of one source; threads may add at once.

    Whoever watches is told of every bit, e.g. ``3 pages, 3,000 rows, 1.2 MB``; the log of it all every five seconds.
    """

    def __init__(self, shown: str, log: logging.Logger, watch: Callable[[str], None] = lambda _: None) -> None:
        self.shown = shown
        self.log = log
        self._watch = watch
        self._amounts: dict[str, int] = {}
        self._size = 0
        self._told = time.monotonic()
        self._lock = Lock()

    def add(self, *, size: int = 0, **amounts: int) -> None:
        """Add what was read: bytes, and numbers of things by their names, in plural: ``pages=1, rows=1000``."""
        with self._lock:
            self._size += size
            for name, amount in amounts.items():
                self._amounts[name] = self._amounts.get(name, 0) + amount
            self._tell(str(self))

    @contextmanager
    def written_to(self, folder: Path) -> Iterator[None]:
        """Tell of the bytes that lie in the folder while the block runs: DuckDB reads and writes in one statement."""
        done = Event()

        def look() -> None:
            while not done.wait(LOOK_SECONDS):
                with self._lock:
                    self._tell(f"{self}{', ' if str(self) else ''}{decimal(_size_of(folder))} of Parquet written")

        watcher = Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def __str__(self) -> str:
        amounts = [f"{n:,} {name[:-1] if n == 1 else name}" for name, n in self._amounts.items()]
        return ", ".join([*amounts, decimal(self._size)] if self._size else amounts)

    def _tell(self, text: str) -> None:
        self._watch(text)
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._told = time.monotonic()
            self.log.info("%s: so far %s", self.shown, text)


def _size_of(folder: Path) -> int:
    sizes = []
    for file in folder.glob("*"):
        try:
            sizes.append(file.stat().st_size)
        except FileNotFoundError:  # it is in its place by now
            continue
    return sum(sizes)
