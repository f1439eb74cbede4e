"""The program ``dataflow`` as a user starts it: another process, in the project's folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a person sees of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What a program reads of it."""
        return json.loads(self.out)


Program = Callable[..., Answer]


def program_in(folder: Path) -> Program:
    """Give a function that runs ``dataflow ...`` in a folder; keywords are environment variables."""

    def run(*arguments: str, **environment: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "dataflow", *arguments],
            check=False,
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return run
