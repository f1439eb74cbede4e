"""Other processes, as Linux shows them under ``/proc``: what they write, and how to freeze and kill them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["bytes_written", "frozen_then_killed", "is_alive", "writer_of"]


def writer_of(file: Path) -> int | None:
    """Give a process that has the file open."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            for descriptor in (process / "fd").iterdir():
                if descriptor.readlink() == file:
                    return int(process.name)
    return None


def bytes_written(pid: int) -> int:
    """Give how much the process wrote so far, to whatever; 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/io").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(text.split("wchar: ")[1].split()[0])


def is_alive(pid: int) -> bool:
    """Tell whether the process is there and did not end; a frozen one is alive."""
    return _state(pid) not in "ZX"


@contextmanager
def frozen_then_killed(pid: int) -> Iterator[None]:
    """Freeze the process while the block runs, then kill it.

    Raises:
        ProcessLookupError: when it had ended.
    """
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGSTOP)
        while _state(pid) not in "TtZX":
            time.sleep(0.0005)
        if not is_alive(pid):
            raise ProcessLookupError(pid)
        yield
    finally:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        os.close(descriptor)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2][0]
    except OSError:
        return "X"
