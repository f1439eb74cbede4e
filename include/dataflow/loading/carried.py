"""What a DAG carries of its workflow, and an import error of broken ones: written here, read by the page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from dataflow.errors import Problem
from dataflow.loading.workflow import Workflow

__all__ = ["carry", "format_import_error", "parse_import_error"]

_HEAD = re.compile(r"^dataflow: ([0-9]+) problems?[ \t]*\r?$", re.MULTILINE)
_KEY_STEP = r'(?:[\w/@*-]+|"(?:[^"\\]|\\.)*")'
_LINE = re.compile(
    rf"(?P<path>.+?):(?P<line>[0-9]+):(?P<column>[0-9]+): (?:(?P<key>{_KEY_STEP}(?:\.{_KEY_STEP})*): )?(?P<text>.*)\Z"
)


def carry(workflow: Workflow, *, manifest: str | None = None) -> dict[str, Any]:
    """Give the JSON that stands in ``default_args["dataflow"]`` of the workflow's DAG: references, never values.

    Args:
        workflow: The workflow.
        manifest: The hash of its dbt manifest, where it has models.
    """
    return {
        "spec": workflow.spec.public(),
        "models": list(workflow.models),
        "config_hash": workflow.config_hash,
        "manifest": manifest,
    }


def format_import_error(problems: Iterable[Problem]) -> str:
    """Give the text of the one error that lists every problem of the house, one a line."""
    lines = [" ".join(str(problem).splitlines()) for problem in sorted(problems)]
    return "\n".join(["", f"dataflow: {len(lines)} problem{'' if len(lines) == 1 else 's'}", *lines, ""])


def parse_import_error(text: str) -> tuple[Problem, ...]:
    """Read back what `format_import_error` gave, with a traceback around it or not; nothing of other errors."""
    head = _HEAD.search(text)
    if head is None:
        return ()
    lines = text[head.end() :].strip("\r\n").split("\n")[: int(head.group(1))]
    return tuple(problem for line in lines if (problem := _parse_line(line.rstrip("\r"))) is not None)


def _parse_line(line: str) -> Problem | None:
    form = _LINE.match(line)
    if form is None:
        return None
    message, _, hint = form["text"].partition("; ")
    return Problem(form["path"], int(form["line"]), int(form["column"]), form["key"] or "", message, hint)
