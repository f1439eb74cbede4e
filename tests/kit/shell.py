"""One shell, as a person keeps it open: what a command changes, the next one finds."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self


class Shell:
    """A bash in a folder. As a context it ends with all that it started."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)

    def __enter__(self) -> Self:
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()
        self._bash.wait()
        for stream in (self._bash.stdin, self._bash.stdout):
            if stream is not None:
                stream.close()

    def run(self, command: str, *, seconds: float = 600) -> tuple[int, str]:
        """Run a command to its end; give its exit code and all that it printed."""
        stdin, stdout = self._bash.stdin, self._bash.stdout
        assert stdin is not None
        assert stdout is not None
        mark = uuid.uuid4().hex
        stdin.write(f"{{ {command}\n}} < /dev/null; echo; echo {mark} $?\n")
        stdin.flush()
        printed: list[str] = []
        timer = threading.Timer(seconds, self._end)
        timer.start()
        try:
            for line in stdout:
                if line.startswith(mark):
                    return int(line.split()[1]), "".join(printed).removesuffix("\n")
                printed.append(line)
        finally:
            timer.cancel()
        raise AssertionError(f"{command!r} did not end within {seconds:.0f} s:\n{''.join(printed)}")

    def _end(self) -> None:
        try:
            os.killpg(self._bash.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
