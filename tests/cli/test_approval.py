"""An approval at the prompt."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from kit.program import Program
from kit.project import MOCK_CONFIG, Project

STEPS = ["ingest", "transform", {"approve": {"subject": "Publish {{ window.start | date }}?"}}, "publish"]
RUN = ("workflow", "run", "events", "--window", "2025-01-05")


@pytest.fixture(autouse=True)
def _asks(project: Project) -> None:
    project.write_workflow("events", {**MOCK_CONFIG, "steps": STEPS})


@pytest.mark.parametrize(("answer", "code", "told"), [("y", 0, "succeeded"), ("n", 2, "no: Publish 2025-01-05?")])
def test_who_sits_at_the_terminal_is_asked(project: Project, *, answer: str, code: int, told: str) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    try:
        done = subprocess.run(
            [sys.executable, "-m", "dataflow", *RUN],
            cwd=project.root,
            env={**os.environ, "DATAFLOW_PROJECT": str(project.root)},
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)

    assert code == done.returncode, done.stdout + done.stderr
    assert "Publish 2025-01-05? [y/N]" in done.stdout
    assert told in done.stdout + done.stderr


def test_where_nobody_sits_it_is_refused(dataflow: Program) -> None:
    answer = dataflow(*RUN)

    assert 2 == answer.code
    assert "nobody was there to answer: Publish 2025-01-05?" in answer.err
