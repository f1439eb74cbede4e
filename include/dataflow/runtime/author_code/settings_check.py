"""Checks the settings of many workflows in a process of its own: what author code does there harms nobody."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import ConfigError, Problem
from dataflow.loading.load import load_workflow
from dataflow.paths import WORKFLOWS
from dataflow.runtime.author_code.modules import has_module
from dataflow.runtime.author_code.typed_settings import typed_settings

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow

__all__ = ["check_settings"]

PATIENCE_SECONDS = 60
"""For all of them together; an import that waits for something is told."""


def check_settings(workflows: Iterable[Workflow], *, environment: str) -> list[Problem]:
    """Give what is wrong with the settings of those workflows that have a ``settings.py``."""
    waiting = [workflow for workflow in workflows if has_module(workflow, "settings")]
    problems: list[Problem] = []
    while waiting:
        answers, timed_out = _answers_of_a_process(waiting, environment=environment)
        problems += [problem for answer in answers for problem in answer]
        waiting = waiting[len(answers) :]
        if waiting:
            path = f"{WORKFLOWS.as_posix()}/{waiting.pop(0).name}/settings.py"
            what = f"takes longer than {PATIENCE_SECONDS} s" if timed_out else "ends the process that does it"
            problems.append(Problem(path, 1, 1, "", f"importing it {what}", "define the class and nothing else there"))
    return problems


def _answers_of_a_process(workflows: list[Workflow], *, environment: str) -> tuple[list[list[Problem]], bool]:
    """Ask a new process; it answers a line a workflow, as far as it comes."""
    names = [workflow.name for workflow in workflows]
    command = [sys.executable, "-m", __name__, str(workflows[0].project), environment, *names]
    timed_out = False
    try:
        given = subprocess.run(  # noqa: S603  # ourselves
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_SECONDS,
        ).stdout
    except subprocess.TimeoutExpired as expired:
        given, timed_out = expired.stdout or b"", True
    lines = [line for line in given.splitlines(keepends=True) if line.endswith(b"\n")]
    return [[Problem(**problem) for problem in json.loads(line)] for line in lines], timed_out


def _answer(project: Path, environment: str, names: list[str]) -> None:
    # What author code prints must not be taken for an answer.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        for name in names:
            found: tuple[Problem, ...] = ()
            try:
                workflow = load_workflow(project, name, environment=environment)
                typed_settings(workflow, environment=environment, log=logging.getLogger(__name__))
            except ConfigError as error:
                found = error.problems
            answers.write(json.dumps([asdict(problem) for problem in found]) + "\n")
            answers.flush()


if __name__ == "__main__":
    _answer(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
