"""Run one program so that nothing of it outlives us: ``python guard.py PROGRAM ARGUMENT...``.

A guard ends with its program's exit code, and only when every descendant of the program has ended. It ends them all
when it gets SIGTERM, SIGINT or SIGHUP, when its program ends, and when its standard input closes: the starter holds
the other end, so even ``kill -9`` of the starter is noticed. It imports nothing of dataflow, to stay small and start
fast.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil

__all__ = ["die_with_parent", "main"]

ASK_SECONDS = 5.0
"""How long the program has to end itself and its children."""
INSIST_SECONDS = 3.0
"""How long its descendants then have, each asked by name, before SIGKILL."""

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LINUX = sys.platform == "linux"


def die_with_parent(number: signal.Signals) -> None:
    """Let the kernel send this process the signal when its parent ends; on Linux only."""
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def main(command: list[str]) -> int:
    """Run the command until it ends or is to end; give its exit code, 128 + n where signal n ended it."""
    if LINUX:
        # Orphans of the program become our children, so that none is lost from sight.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    read, write = os.pipe()
    for end in (read, write):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    program = subprocess.Popen(  # noqa: S603 - the command is the starter's
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=_in_child if LINUX else None,  # noqa: PLW1509 - there are no threads here
    )
    code = _wait(program, read)
    return _end_all(program, code)


def _in_child() -> None:
    die_with_parent(signal.SIGKILL)  # where the guard itself is killed


def _wait(program: subprocess.Popen[bytes], wakeups: int) -> int | None:
    """Give the exit code, or None when the program is to end."""
    while True:
        ready, _, _ = select.select([0, wakeups], [], [])
        if 0 in ready and not os.read(0, 1):
            return None
        if wakeups in ready and set(os.read(wakeups, 64)) - {int(signal.SIGCHLD)}:
            return None
        code = _reap(program)
        if code is not None:
            return code


def _reap(program: subprocess.Popen[bytes]) -> int | None:
    """Take the exit status of every child that ended; remember the program's."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = ended
            if pid == program.pid:
                code = os.waitstatus_to_exitcode(status)
                program.returncode = code if code >= 0 else 128 - code
    return program.returncode


def _end_all(program: subprocess.Popen[bytes], code: int | None) -> int:
    if code is None:
        os.kill(program.pid, signal.SIGTERM)
        _until(lambda: _reap(program) is not None, ASK_SECONDS)
    for number, seconds in ((signal.SIGTERM, INSIST_SECONDS), (signal.SIGKILL, INSIST_SECONDS)):
        for process in _descendants(program):
            _send(process, number)
        if _until(lambda: not _descendants(program), seconds):
            break
    ended = _reap(program)
    return ended if ended is not None else 128 + signal.SIGKILL


def _descendants(program: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Give all that is left; those that ended count until somebody took their exit status, in the end we do."""
    import psutil

    _reap(program)
    left: list[psutil.Process] = psutil.Process().children(recursive=True)
    return left


def _send(process: psutil.Process, number: signal.Signals) -> None:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait until it is done; tell whether it was, in time."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
