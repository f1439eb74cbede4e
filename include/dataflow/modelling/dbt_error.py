"""What dbt says of models that do not parse, as a problem with file and line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataflow.errors import Problem
from dataflow.paths import relative_name

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["problem_of"]

_FILE = re.compile(r"\(?\b((?:models|macros|tests|snapshots)/[^\s)\"',:]+\.(?:sql|ya?ml|csv|py))")
_READING = re.compile(r"Error reading [^:\s]+: (\S+)")
"""Of a file that is no YAML; dbt names it within the folder of models."""
_LINE = re.compile(r"\bline (\d+)(?:,? column (\d+))?")
_EXCERPT = re.compile(r"\s-{10,}\s.*\s-{10,}\s", re.DOTALL)
"""The lines of a YAML file that dbt shows between its message and the reader's."""
_MAX = 600


def problem_of(error: str, *, settings: Settings, workflow: str) -> Problem:
    """Read dbt's message; without a file in it the workflow's folder of models is named."""
    file, unread = _FILE.search(error), _READING.search(error)
    name = file.group(1) if file else f"models/{workflow}" + (f"/{unread.group(1)}" if unread else "")
    line = _LINE.search(error) if file or unread else None
    message = " ".join(_EXCERPT.sub(": ", error).split())
    return Problem(
        path=relative_name(settings.project, settings.dbt_project / name),
        line=int(line.group(1)) if line else 1,
        column=int(line.group(2) or 1) if line else 1,
        key="dbt",
        message=message if len(message) <= _MAX else f"{message[:_MAX]} ...",
        hint=f"mend it and run `dataflow dbt compile {workflow}`",
    )
