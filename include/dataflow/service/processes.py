"""The programs that we start: each under a guard of its own, watched, and ended all together."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dataflow.errors import ServiceError
from dataflow.service import guard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

__all__ = ["Program", "Programs", "Stopped", "last_lines", "python_module"]

TICK_SECONDS = 0.2


class Stopped(Exception):
    """The user, or whoever started us, asked us to end."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


@dataclass(frozen=True, slots=True)
class Program:
    """One running program, under its guard."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def failure(self, code: int) -> ServiceError:
        """Tell that it ended, with its log and the end of it."""
        return ServiceError(f"{self.name} ended with exit code {code}; its log: {self.log}\n{last_lines(self.log)}")


@dataclass
class Programs:
    """What runs. As a context it listens for SIGINT, SIGTERM and SIGHUP, and ends everything on the way out."""

    environment: Mapping[str, str]
    folder: Path
    """Where programs run."""
    logs: Path
    """One log a program, ``<name>.log``; that of the time before is ``<name>.log.1``."""
    running: list[Program] = field(default_factory=list)
    _asked: int | None = None
    _before: dict[signal.Signals, object] = field(default_factory=dict)

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = signal.getsignal(number)
            if before == signal.SIG_IGN and number == signal.SIGHUP:  # under nohup
                continue
            self._before[number] = before
            signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        self.end_all()
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self._asked = number

    def start(self, name: str, command: Sequence[str]) -> Program:
        """Start a program that is to run until we end it; its end is an error, told by `pause`."""
        self.pause(0)
        program = self._start(name, command)
        self.running.append(program)
        return program

    def run(self, name: str, command: Sequence[str]) -> Path:
        """Run a program to its end and give its log.

        Raises:
            ServiceError: when its exit code is not 0.
            Stopped: when we are asked to end; the program is ended first.
        """
        program = self._start(name, command)
        try:
            while program.process.poll() is None:
                self.pause(TICK_SECONDS)
        finally:
            _end([program])
        if program.process.returncode:
            raise program.failure(program.process.returncode)
        return program.log

    def pause(self, seconds: float) -> None:
        """Wait, with an eye on everything.

        Raises:
            ServiceError: when a program that should be running has ended.
            Stopped: when we are asked to end.
        """
        end = time.monotonic() + seconds
        while True:
            if self._asked is not None:
                raise Stopped(self._asked)
            for program in self.running:
                code = program.process.poll()
                if code is not None:
                    raise program.failure(code)
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(TICK_SECONDS, left))

    def end_all(self) -> None:
        """End every program and all that they started: the last one first gone, the first one kept to the last."""
        first, later = self.running[:1], self.running[1:]
        _end(later)
        _end(first)
        self.running.clear()

    def _start(self, name: str, command: Sequence[str]) -> Program:
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))
        guarded = [sys.executable, "-I", guard.__file__, *command]
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                guarded,
                stdin=subprocess.PIPE,  # held open while we live; see guard.py
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we end them in order
            )
        return Program(name, process, log)


def python_module(*command: str) -> list[str]:
    """Give the command that runs a module with this Python, the current folder not on its path."""
    return [sys.executable, "-P", "-m", *command]


def last_lines(log: Path, count: int = 15) -> str:
    """Give the end of a log, indented."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(f"    {line[:300]}" for line in lines[-count:])


def _end(programs: Sequence[Program]) -> None:
    """Tell guards to end; each is gone only when all that it guards is gone."""
    for program in programs:
        if program.process.poll() is None:
            program.process.terminate()
    for program in programs:
        program.process.wait()
        if program.process.stdin:
            program.process.stdin.close()
