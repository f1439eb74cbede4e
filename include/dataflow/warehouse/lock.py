"""The lock of the warehouse: one process at a time opens the DuckDB file, whoever it is.

The kernel holds it (``flock``), so a process that is killed frees it. A process that holds it never waits for
itself: openings within it are counted. Its own threads take turns, except within a dbt invocation, whose threads
share what dbt holds.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dataflow.errors import LockTimeout
from dataflow.settings import Settings
from dataflow.warehouse.waits import WORTH_TELLING_SECONDS, tell_of_wait

__all__ = ["LockGrant", "hold_for_process", "let_go_for_process", "warehouse_lock"]

LOG = logging.getLogger(__name__)
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.01, 0.25


@dataclass(frozen=True, slots=True)
class LockGrant:
    """The lock is held; what it cost."""

    waited_seconds: float


@dataclass(slots=True)
class _Hold:
    """An open lock file that this process has locked, and how many of its openings need it."""

    descriptor: int
    count: int = 1


@dataclass(slots=True)
class _Process:
    """What this process holds, by lock file."""

    holds: dict[Path, _Hold] = field(default_factory=dict)
    shared: set[Path] = field(default_factory=set)
    """Held for all threads, by dbt."""
    turns: dict[Path, threading.RLock] = field(default_factory=dict)
    """Whose turn it is among the threads of our own code."""
    guard: threading.Lock = field(default_factory=threading.Lock)

    def forget_what_was_inherited(self) -> None:
        """Become a fork that holds nothing.

        The descriptors are closed, not unlocked: unlocking would free the parent's lock, and an open copy would
        keep it after the parent was killed.
        """
        for hold in self.holds.values():
            os.close(hold.descriptor)
        self.holds, self.shared, self.turns, self.guard = {}, set(), {}, threading.Lock()


_process = _Process()
os.register_at_fork(after_in_child=_process.forget_what_was_inherited)


@contextmanager
def warehouse_lock(settings: Settings, *, purpose: str, log: logging.Logger | None = None) -> Iterator[LockGrant]:
    """Hold the warehouse while the block runs.

    Args:
        settings: Name the lock file and how long to wait for it.
        purpose: What for, as others read it while they wait, e.g. ``load shop.orders``.
        log: Told of a wait that is worth telling.

    Raises:
        LockTimeout: when others kept it for longer than ``lock_timeout``.
    """
    path = _canonical(settings.lock_file)
    wait = _Wait(path, settings.lock_timeout, purpose, log or LOG)
    turn = _take_turn(wait)
    try:
        _count_in(wait)
        try:
            yield LockGrant(wait.tell())
        finally:
            _count_out(path)
    finally:
        if turn is not None:
            turn.release()


def hold_for_process(lock_file: Path, *, timeout: timedelta, purpose: str, log: logging.Logger) -> LockGrant:
    """Hold the warehouse for every thread of this process until `let_go_for_process`; once, however often called.

    Raises:
        LockTimeout: when others kept it for longer than the timeout.
    """
    path = _canonical(lock_file)
    if path in _process.shared:
        return LockGrant(0.0)
    wait = _Wait(path, timeout, purpose, log)
    _count_in(wait, shared=True)
    return LockGrant(wait.tell())


def let_go_for_process(lock_file: Path) -> None:
    """End what `hold_for_process` began; harmless where nothing is held."""
    path = _canonical(lock_file)
    with _process.guard:
        held = path in _process.shared
        _process.shared.discard(path)
    if held:
        _count_out(path)


class _Wait:
    """One opener's wait: until when, and whether it was told."""

    def __init__(self, path: Path, timeout: timedelta, purpose: str, log: logging.Logger) -> None:
        self.path = path
        self.purpose = purpose
        self.log = log
        self.began = time.monotonic()
        self.seconds = timeout.total_seconds()
        self.told = False
        self.pause = SHORTEST_PAUSE_SECONDS

    @property
    def waited(self) -> float:
        return time.monotonic() - self.began

    @property
    def left(self) -> float:
        return max(self.seconds - self.waited, 0.0)

    def rest(self) -> None:
        """Pause before the next try, a little longer each time and never in step with others; give up at the bound."""
        if self.left == 0:
            tell_of_wait(self.waited)
            raise LockTimeout(self.path, self.waited, _holder(self.path))
        if self.waited > WORTH_TELLING_SECONDS and not self.told:
            self.told = True
            self.log.info("to %s: waiting for %s, held by %s", self.purpose, self.path.name, _holder(self.path))
        time.sleep(min(random.uniform(self.pause / 2, self.pause), self.left))  # noqa: S311 - jitter is no secret
        self.pause = min(self.pause * 1.5, LONGEST_PAUSE_SECONDS)

    def tell(self) -> float:
        """Log a wait that is worth telling, and give its seconds."""
        waited = self.waited
        tell_of_wait(waited)
        if waited > WORTH_TELLING_SECONDS:
            self.log.info("to %s: waited %.1f s for %s", self.purpose, waited, self.path.name)
        return waited


def _take_turn(wait: _Wait) -> threading.RLock | None:
    """Wait for the other threads of our own code; None where dbt holds the warehouse for all threads."""
    with _process.guard:
        if wait.path in _process.shared:
            return None
        turn = _process.turns.setdefault(wait.path, threading.RLock())
    while not turn.acquire(blocking=False):
        wait.rest()
    return turn


def _count_in(wait: _Wait, *, shared: bool = False) -> None:
    while True:
        with _process.guard:
            hold = _process.holds.get(wait.path)
            if hold is not None:
                hold.count += 1
            else:
                descriptor = _try_lock(wait.path)
                if descriptor is not None:
                    hold = _process.holds[wait.path] = _Hold(descriptor)
                    _sign(descriptor, wait.purpose)
            if hold is not None:
                if shared:
                    _process.shared.add(wait.path)
                return
        wait.rest()


def _count_out(path: Path) -> None:
    with _process.guard:
        hold = _process.holds.get(path)
        if hold is None:  # a fork leaves the block that its parent entered
            return
        hold.count -= 1
        if hold.count == 0:
            del _process.holds[path]
            os.ftruncate(hold.descriptor, 0)
            os.close(hold.descriptor)


def _try_lock(path: Path) -> int | None:
    """Lock the file if nobody has; it is never deleted, so that all openers lock the same one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sign(descriptor: int, purpose: str) -> None:
    """Write who holds the lock into it, for the text of those who wait in vain."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    text = json.dumps({"pid": os.getpid(), "purpose": purpose, "since": since})
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def _holder(path: Path) -> str:
    try:
        signed = json.loads(path.read_text(encoding="utf-8"))
        return f"process {signed['pid']} ({signed['purpose']}) since {signed['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _canonical(path: Path) -> Path:
    return Path(os.path.realpath(path))
