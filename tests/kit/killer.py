"""A killer: it watches what a project's task processes write, and ends them with SIGKILL in the midst of it."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Literal, Protocol, Self

from kit.proc import bytes_written, frozen_then_killed, is_alive, writer_of

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["PHASES", "Kill", "Killer", "Phase", "kill_points"]

Phase = Literal["ingest", "transform", "dbt", "publish"]
PHASES: tuple[Phase, ...] = ("ingest", "transform", "dbt", "publish")

POLL_SECONDS = 0.002
FIRST_BYTES = 16 * 1024
"""Less than this a DuckDB file's own header takes: it is no evidence that work is under way."""
AFTER = 1.0
"""The point at which the work has just come to its end, and the process lives on."""

_PURPOSES: dict[Phase, re.Pattern[str]] = {
    "transform": re.compile(r"load (?P<workflow>\w+)\.(?P<table>\w+)"),
    "dbt": re.compile(r"run dbt for (?P<workflow>\w+)(?P<table>)"),
    "publish": re.compile(r"publish (?P<workflow>\w+)(?P<table>)"),
}


@dataclass(frozen=True, slots=True)
class Work:
    """One process at one piece of work."""

    phase: Phase
    workflow: str
    table: str
    """Empty where the work is on all of them."""
    pid: int
    place: Path
    """What it writes: the landing's draft, the warehouse, or the unfinished snapshot's folder."""

    @property
    def kind(self) -> tuple[Phase, str]:
        """What tells how much it writes; all workflows that are watched are of one shape."""
        return self.phase, self.table


@dataclass(slots=True)
class Sight:
    """What was seen of a piece of work so far."""

    work: Work
    written_before: int
    """Bytes that the process had written when it took the warehouse."""
    aim: float | None
    written: int = 0


@dataclass(frozen=True, slots=True)
class Kill:
    """A process that was killed."""

    work: Work
    aim: float
    written: int
    """Bytes at the moment of the kill; what a clean run writes is the killer's `largest`."""
    at: float
    committed: Future[bool]
    """Whether the crash left the work's result for others to see."""

    @property
    def midway(self) -> bool:
        """Whether it came between the first byte and the commit."""
        return self.written >= FIRST_BYTES and not self.committed.result()


class Witness(Protocol):
    """Tells from a copy of the warehouse, taken at the moment of the kill, whether the work was committed."""

    def __call__(self, work: Work, copy: Path, /) -> bool: ...


def kill_points(random: Random, count: int) -> list[float]:
    """Give shares of the work to kill at: most spread over it, three in ten at its very end."""
    at_the_end = count * 3 // 10
    within = count - at_the_end
    # What dbt writes beyond two thirds comes all at once, with its commit: a later aim is its end.
    points = [(number + random.random()) / within * 0.6 for number in range(within)] + [AFTER] * at_the_end
    random.shuffle(points)
    return points


@dataclass
class Killer:
    """Watches one project in a thread of its own. Without points it only learns how much each phase writes."""

    settings: Settings
    copies: Path
    witness: Witness | None = None
    points: dict[Phase, list[float]] = field(default_factory=dict)
    expected: Mapping[tuple[Phase, str], int] = field(default_factory=dict)
    """Bytes that a clean run writes, by kind of work."""
    kills: list[Kill] = field(default_factory=list)
    largest: Counter[tuple[Phase, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._sights: dict[tuple[Phase, int, Path], Sight] = {}
        self._most = 0
        self._wave: Counter[tuple[Phase, str]] = Counter()
        self._left_behind: set[Path] = set()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._watch, name="killer")
        self._judges = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        self.copies.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._judges.shutdown()
        if self._error is not None:
            raise self._error

    @property
    def left(self) -> int:
        """Kills that are still to come."""
        return sum(map(len, self.points.values()))

    def begin_wave(self, *, per_workflow: int) -> None:
        """Let each phase of each workflow be killed so often, and not again before the next wave."""
        self._most = per_workflow
        self._wave.clear()

    def _watch(self) -> None:
        try:
            while not self._stop.wait(POLL_SECONDS):
                seen = {(work.phase, work.pid, work.place): work for work in self._look()}
                for key in self._sights.keys() - seen.keys():
                    self._ended(self._sights.pop(key))
                for key, work in seen.items():
                    self._look_at(key, work)
        except BaseException as exc:
            self._error = exc
            raise

    def _look(self) -> Iterator[Work]:
        for draft in self.settings.landing.glob("*/*/*/*/*/*.parquet.tmp"):
            if draft not in self._left_behind and (pid := self._writer_of(draft)):
                workflow, table, *_ = draft.relative_to(self.settings.landing).parts
                yield Work("ingest", workflow, table, pid, draft)
        if (held := self._holder()) is not None:
            yield held

    def _writer_of(self, draft: Path) -> int | None:
        known = (sight.work.pid for sight in self._sights.values() if sight.work.place == draft)
        return next(known, None) or writer_of(draft)

    def _holder(self) -> Work | None:
        """Give the work for which the warehouse is held; one who was killed left its name in the lock file."""
        try:
            signed = json.loads(self.settings.lock_file.read_bytes() or b"{}")
        except (OSError, ValueError):  # being written
            return None
        if not signed or not is_alive(signed["pid"]):
            return None
        for phase, pattern in _PURPOSES.items():
            if found := pattern.fullmatch(signed["purpose"]):
                place, workflow = self.settings.warehouse, found["workflow"]
                if phase == "publish":
                    unfinished = set((self.settings.published / workflow).glob(".unfinished-*")) - self._left_behind
                    place = next(iter(unfinished), place)
                return Work(phase, workflow, found["table"], int(signed["pid"]), place)
        return None

    def _look_at(self, key: tuple[Phase, int, Path], work: Work) -> None:
        sight = self._sights.get(key)
        if sight is None:
            sight = Sight(work, bytes_written(work.pid), self._take_point(work))
            self._sights[key] = sight
        sight.written = self._written(sight)
        self.largest[work.kind] = max(self.largest[work.kind], sight.written)
        if sight.aim is not None and sight.aim < AFTER:
            wanted = max(sight.aim * self.expected[work.kind], FIRST_BYTES)
            if sight.written >= wanted:
                self._sights.pop(key)
                self._kill(sight, sight.aim)

    def _written(self, sight: Sight) -> int:
        work = sight.work
        with suppress(OSError):  # it ended, or renamed what it wrote, meanwhile
            if work.phase == "ingest":
                return work.place.stat().st_size
            if work.phase == "publish":
                return sum(file.stat().st_size for file in work.place.iterdir()) if work.place.is_dir() else 0
            return bytes_written(work.pid) - sight.written_before
        return sight.written

    def _take_point(self, work: Work) -> float | None:
        waiting = self.points.get(work.phase)
        if not waiting or self._wave[work.phase, work.workflow] >= self._most:
            return None
        if any(sight.work.pid == work.pid and sight.aim is not None for sight in self._sights.values()):
            return None
        return waiting.pop()

    def _ended(self, sight: Sight) -> None:
        """Kill at the very end if that was the aim; else give the point to another."""
        if sight.aim is None:
            return
        sight.written = max(sight.written, self._written(sight))  # the last bytes come all at once, with the commit
        # After a crash Cosmos builds model by model, and the largest model is as good as the whole.
        most = sight.written >= 0.5 * self.expected[sight.work.kind]
        if sight.aim >= AFTER and most and is_alive(sight.work.pid):
            self._kill(sight, AFTER)
        else:
            self.points[sight.work.phase].insert(0, sight.aim)

    def _kill(self, sight: Sight, aim: float) -> None:
        work = sight.work
        try:
            with frozen_then_killed(work.pid):
                # From here on nobody writes what it was writing: the copy is what the crash leaves behind.
                judged = self._judge(sight)
        except ProcessLookupError:  # it was quicker
            self.points[work.phase].insert(0, aim)
            return
        self._wave[work.phase, work.workflow] += 1
        self._left_behind |= {work.place} - {self.settings.warehouse}
        self.kills.append(Kill(work, aim, sight.written, time.time(), judged))

    def _judge(self, sight: Sight) -> Future[bool]:
        work = sight.work
        sight.written = max(sight.written, self._written(sight))
        if work.phase == "ingest":
            return _known((work.place.parent / "manifest.json").exists())
        holder = self._holder()
        if holder is None or (holder.pid, holder.phase) != (work.pid, work.phase):
            return _known(True)  # it gave the warehouse back, so it was done
        if work.phase == "publish":
            version = work.place.name.removeprefix(".unfinished-")
            current = work.place.parent / "current.json"
            return _known(current.exists() and version in current.read_text(encoding="utf-8"))
        copy = self.copies / f"{len(self.kills)}.duckdb"
        for end in ("", ".wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{work.place}{end}", f"{copy}{end}")
        return self._judges.submit(self._ask, work, copy)

    def _ask(self, work: Work, copy: Path) -> bool:
        assert self.witness is not None
        try:
            return self.witness(work, copy)
        finally:
            for end in ("", ".wal"):
                Path(f"{copy}{end}").unlink(missing_ok=True)


def _known(value: bool) -> Future[bool]:
    future: Future[bool] = Future()
    future.set_result(value)
    return future
