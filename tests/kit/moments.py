"""The moments of a run at which something leaves its process for good, seen from outside; it may be killed at each."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from random import Random

from kit.child_runs import ChildRun
from kit.store import Proxy
from kit.tcp_proxy import Line

__all__ = ["Aim", "Hit", "Moments", "aims"]

ARRIVES_WITHIN = 0.01
"""Seconds."""
REFUSES_FOR = 2.5
"""Seconds: longer than DuckDB, and than a client that asks twice, is patient."""
WRITES = re.compile(rb"INSERT INTO|UPDATE |DELETE FROM|COPY |CREATE |DROP |ALTER ")


@dataclass(frozen=True)
class Aim:
    """Where to strike in a task: at which of its moments, before what it sends arrives or after."""

    number: int
    arrives: bool


@dataclass(frozen=True)
class Hit:
    """A blow: in which task, at what, and whether that arrived."""

    step: str
    what: str
    arrived: bool


class Moments:
    """Sees each request to the store, and each commit in PostgreSQL of a transaction that wrote."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        """Of the process that is watched: the task, and what it did."""
        self.hits: list[Hit] = []
        self._run: ChildRun | None = None
        self._aims: dict[str, Aim] = {}
        self._strike: Callable[[], None] | None = None
        self._counts: Counter[str] = Counter()
        self._wrote: set[int] = set()
        self._guard = threading.Lock()
        self._later: threading.Thread | None = None
        self._refuses_until = 0.0

    @contextmanager
    def of(self, store: Proxy, line: Line) -> Iterator[None]:
        """Watch what goes there while the block runs."""
        store.misbehaves = self._asked
        line.passes = self._sent
        try:
            yield
        finally:
            store.misbehaves = lambda method, path: None
            line.passes = lambda connection, data: True

    def watch(self, run: ChildRun, aims: dict[str, Aim], strike: Callable[[], None] | None = None) -> None:
        """Watch this process from now on, and kill it, or do something else, where aimed; the aim is taken out then."""
        self.settle()
        with self._guard:
            self._run, self._aims, self._strike = run, aims, strike
            self._counts.clear()
            self.seen.clear()

    def settle(self) -> None:
        """Wait until what struck last is over."""
        if self._later is not None:
            self._later.join()

    def refuse(self) -> None:
        """Let the store answer 503 to everything for a while."""
        self._refuses_until = time.monotonic() + REFUSES_FOR

    def _asked(self, method: str, path: str) -> str | None:
        if time.monotonic() < self._refuses_until:
            return "503"
        return None if self._passes(f"{method} {_kind(path)}") else "hang up"

    def _sent(self, connection: int, data: bytes) -> bool:
        if b"COMMIT" not in data:
            if WRITES.search(data):
                self._wrote.add(connection)
            return True
        if connection not in self._wrote:
            return True
        self._wrote.discard(connection)
        return self._passes("COMMIT")

    def _passes(self, what: str) -> bool:
        with self._guard:
            if self._run is None:
                return True
            step = self._run.now
            self.seen.append((step, what))
            number = self._counts[step]
            self._counts[step] += 1
            aim = self._aims.get(step)
            if aim is None or number < aim.number:
                return True
            del self._aims[step]
            self.hits.append(Hit(step, what, aim.arrives))
            if self._strike is None:
                self._run.kill()
                self._run = None  # what it had sent before is on its way still
            elif aim.arrives:
                self._later = threading.Timer(ARRIVES_WITHIN, self._strike)
                self._later.start()
            else:
                self._strike()
            return aim.arrives


def aims(seen: list[tuple[str, str]], count: int, random: Random) -> dict[str, list[Aim]]:
    """Give so many aims for each task, spread over its moments."""
    found = {}
    for step, moments in groupby(sorted(seen, key=lambda each: each[0]), key=lambda each: each[0]):
        total = len(list(moments))
        spread = [int((number + random.random()) / count * total) for number in range(count)]
        # Both ways of each part of the task, in an order of their own.
        found[step] = [Aim(number, arrives=bool(place % 2)) for place, number in enumerate(spread)]
        random.shuffle(found[step])
    return found


def _kind(path: str) -> str:
    name = path.partition("?")[0].rpartition("/")[2]
    return "data file" if name.startswith("ducklake-") else name
