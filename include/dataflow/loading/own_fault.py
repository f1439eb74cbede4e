"""What is told where our own code fails on a config: the config's place, and that the fault is ours."""

from __future__ import annotations

from dataflow.errors import Problem
from dataflow.paths import WORKFLOWS

__all__ = ["problem_of_ours"]

MAX_TEXT = 200


def problem_of_ours(name: str, error: Exception) -> Problem:
    """Make a problem of an exception that no config should ever cause."""
    text = " ".join(str(error).split())[:MAX_TEXT]
    message = f"a fault of dataflow, not of this config: {type(error).__name__}: {text or 'no further text'}"
    return Problem(f"{WORKFLOWS.as_posix()}/{name}/config.yaml", 1, 1, "", message, "report it, with this config")
