"""Which line of a model's file DuckDB means: it counts those of the statement that dbt made of the model."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from pathlib import Path

__all__ = ["with_own_line"]

_LINE = re.compile(r"^LINE (\d+)(?=: )", re.MULTILINE)
_CARET = re.compile(r"^ *\^", re.MULTILINE)
_SURE = 3
"""So many lines alike in a row are no accident, though each may stand in a model more than once."""


def with_own_line(text: str, *, ran: str, file: Path | None, shown: str) -> str:
    """Say in DuckDB's words which line of the model it is about; of the SQL that dbt ran, where nobody can tell.

    Args:
        text: Of the error: ``LINE 9: select nme from ...``.
        ran: The whole statement.
        file: The model; None where it has none of its own, as a test of a column.
        shown: The file's name in messages.
    """
    found = _LINE.search(text)
    if found is None:
        return text
    model = file.read_text(encoding="utf-8", errors="replace") if file is not None else ""
    line = _own_line(int(found[1]), ran=ran.splitlines(), model=model.splitlines())
    told = f"LINE {line} of {shown}" if line is not None else f"{found[0]} of the SQL that dbt ran"
    after = _CARET.sub(lambda caret: " " * (len(told) - len(found[0])) + caret[0], text[found.end() :], count=1)
    return text[: found.start()] + told + after


def _own_line(number: int, *, ran: list[str], model: list[str]) -> int | None:
    """Give the model's line that became a statement's, both counted from 1; None where that is not sure."""
    own = [line.strip() for line in model]
    made = [line.strip() for line in ran]
    begin = next((place + 1 for place, line in enumerate(made) if line == "as (" or line.endswith(" as (")), 0)
    end = len(made)
    while end > begin and made[end - 1] in ("", ")", ");"):
        end -= 1
    at = number - 1 - begin
    for kind, first, last, made_first, made_last in SequenceMatcher(
        None, own, made[begin:end], autojunk=False
    ).get_opcodes():
        if made_first <= at < made_last:
            place = first + at - made_first
            alike = kind == "equal" and (own.count(own[place]) == 1 or last - first >= _SURE)
            # Jinja's expressions fill in a line; its statements decide which lines there are.
            filled = kind == "replace" and last - first == made_last - made_first
            filled = filled and not any(mark in line for line in own[first:last] for mark in ("{%", "{#"))
            return place + 1 if alike or filled else None
    return None
