"""The process in which dbt parses, seen from the one that asks."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import Any, Self

__all__ = ["ParserProcess"]

MAX_LAST_WORDS = 500


class ParserProcess:
    """Runs `dataflow.modelling.parse`: started when first asked, and again after it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - until __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._said.close()

    @property
    def pid(self) -> int:
        """Of the process that runs now; 0 where none does."""
        return self._process.pid if self._process is not None else 0

    def ask(self, request: dict[str, Any]) -> str | None:
        """Have dbt parse, and give its error; None where there is none."""
        process = self._process = self._process or self._start()
        stdin, stdout = process.stdin, process.stdout
        answer = ""
        if stdin is not None and stdout is not None:
            with suppress(BrokenPipeError):
                stdin.write(json.dumps(request) + "\n")
                stdin.flush()
                answer = stdout.readline()
        if answer:
            error: str | None = json.loads(answer)["error"]
            return error
        self._end()
        return f"dbt ended without an answer, exit code {process.returncode}: {self._last_words()}"

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "dataflow.modelling.parse"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            encoding="utf-8",
        )

    def _end(self) -> None:
        if self._process is None:
            return
        with suppress(BrokenPipeError), self._process:  # closes its input, which ends it, and waits
            self._process = None

    def _last_words(self) -> str:
        self._said.seek(0)
        return " ".join(self._said.read().split())[-MAX_LAST_WORDS:] or "it said nothing"
