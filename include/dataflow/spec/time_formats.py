"""Formats of dates and times, in the words of DuckDB's strptime; what other tools call them is translated."""

from __future__ import annotations

import re

__all__ = ["SPECIFIERS", "fault_of_time_format"]

SPECIFIERS = frozenset("aAbBcdfgGhHIjmMnpSTuUVwWxXyYzZ%") | {"-d", "-m", "-y", "-H", "-I", "-M", "-S", "-j"}
"""What may stand behind a ``%``."""

NO_WORD = "%"
"""In the place of what cannot be translated: DuckDB has none that is only this."""
_SPECIFIER = re.compile(r"%(-?.?)", re.DOTALL)
_OTHER_SPECIFIERS = {
    "D": "%m/%d/%y", "F": "%Y-%m-%d", "R": "%H:%M", "e": "%d", "k": "%H", "l": "%I", "i": "%M", "s": "%S",
    "r": "%I:%M:%S %p", "N": "%f", "L": "%g", "P": "%p",
}  # fmt: skip
"""What C, MySQL and others have, and DuckDB has not."""
_LETTERS = re.compile(r"'T'|y+|mi|m+|d+|h+(?:24|12)?|s+|f+|am|pm|a|tt|x+|z+|t|[a-z]+", re.IGNORECASE)
_DAYS = {"yyyy": "%Y", "yy": "%y", "mmmm": "%B", "mmm": "%b", "mm": "%m", "m": "%m", "dd": "%d", "d": "%d"}
_DAYS |= {"dddd": "%A", "ddd": "%a"}


def fault_of_time_format(form: str) -> tuple[str, str] | None:
    """Say what is wrong with a format and how it should be; None where DuckDB can read it."""
    if "%" not in form:
        meant = _translated(form)
        way_out = f"write {meant!r}" if meant else "write it with strptime's %, like '%d.%m.%Y %H:%M:%S'"
        return f"{form!r} has no %, so no date is written so", way_out
    for found in _SPECIFIER.finditer(form):
        if found[1] not in SPECIFIERS:
            meant = _SPECIFIER.sub(lambda each: _OTHER_SPECIFIERS.get(each[1].lstrip("-"), each[0]), form)
            is_meant = all(each[1] in SPECIFIERS for each in _SPECIFIER.finditer(meant))
            way_out = f"write {meant!r}" if is_meant else "DuckDB's words are those of Python's strptime; %% is a %"
            return f"DuckDB's strptime knows no '{found[0]}'", way_out
    return None


def _translated(form: str) -> str | None:
    """Give what a format in the letters of Java, Excel or SQL is in strptime's; None where that is not sure."""
    given = [found[0].lower() for found in _LETTERS.finditer(form)]
    halves = bool({"am", "pm", "a", "tt"} & set(given))
    words = iter(_words(given, halves=halves))
    text = _LETTERS.sub(lambda _: next(words) or NO_WORD, form)
    is_day = "%y" in text.lower() and any(month in text for month in ("%m", "%b", "%B")) and "%d" in text
    return text if is_day and fault_of_time_format(text) is None else None


def _words(given: list[str], *, halves: bool) -> list[str]:
    """Give strptime's word for each group of letters, nothing for one that has none."""
    words: list[str] = []
    for letters in given:
        behind_hours = bool(words) and words[-1] in ("%H", "%I")
        if letters in ("mm", "m", "mi") and (behind_hours or letters == "mi"):
            words.append("%M")
        elif letters in _DAYS:
            words.append(_DAYS[letters])
        elif letters[0] == "h":
            words.append("%I" if halves or letters.endswith("12") else "%H")
        elif letters in ("s", "ss") and "%S" not in words:
            words.append("%S")
        elif letters[0] in "sf" and "%S" in words:
            words.append("%f")
        elif letters in ("am", "pm", "a", "tt"):
            words.append("%p")
        elif letters[0] in "zx" and set(letters) <= {"z", "x"}:
            words.append("%z")
        else:
            words.append("T" if letters in ("t", "'t'") else "")
    return words
