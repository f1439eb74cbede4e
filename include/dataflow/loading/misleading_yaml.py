"""Where YAML misleads: what it made of a text that means something else to everybody, and the way out."""

from __future__ import annotations

import re
from typing import Any

from dataflow.errors import Problem

__all__ = ["alias", "bare_key", "cut_text", "key_that_is_no_text", "syntax_problem", "tag_or_anchor"]

Advice = tuple[str, str]
"""A message and its hint."""

_TEMPLATE_HINT = 'put the whole value in quotes: "{{ ... }}"'
_WORD_INSIDE_QUOTE = re.compile(r"(?<=\w)['\"](?=\w)")


def alias(lines: list[str], mark: Any) -> Advice:
    """Advise where ``*`` begins a value: a reference to an anchor, or a glob without quotes."""
    return (
        f"`{_rest(lines, mark)}` reads as a YAML alias, which a config may not use",
        "if it is text, put it in quotes",
    )


def tag_or_anchor(lines: list[str], event: Any) -> Advice:
    """Advise where ``&`` or ``!`` begins a value."""
    what = "anchor" if event.anchor is not None else "tag"
    rest = _rest(lines, event.start_mark)
    return f"`{rest}` begins with a YAML {what}, which a config may not use", "if it is text, put it in quotes"


def key_that_is_no_text(lines: list[str], mark: Any) -> Advice:
    """Advise where a mapping or list stands in place of a key; nearly always a template without quotes."""
    line = _line(lines, mark.line)
    if "{{" in line:
        return "`{{` without quotes reads as a YAML mapping", _TEMPLATE_HINT
    return "a key is a text, not a mapping or a list", ""


def bare_key(lines: list[str], mark: Any) -> Advice:
    """Advise where a key has no value; ``mark`` is where the value would be."""
    rest = _line(lines, mark.line)[mark.column :].strip()
    if rest.startswith("#"):
        return "no value: what follows `#` is a comment", "if it is the value, put it in quotes"
    return "a key without a value", "write its value, or remove the key"


def cut_text(lines: list[str], event: Any, *, flow: bool) -> Advice | None:
    """Advise where a comment or a comma ends an unquoted text within its quotes or parentheses.

    ``filter: note = 'a #1'`` ends before the ``#``, and ``{amount: DECIMAL(12,2)}`` at the comma.
    """
    value: str = event.value
    rest = _line(lines, event.end_mark.line)[event.end_mark.column :]
    opened = value.count("(") - value.count(")")
    if flow and opened > 0 and rest.startswith(","):
        whole = value + rest[: rest.find(")") + 1] if ")" in rest else value
        return f"`{value}` ends at the comma, for it stands in braces or brackets", f'put it in quotes: "{whole}"'
    if not rest.lstrip().startswith("#"):
        return None
    after = rest.lstrip()
    closes = (opened > 0 and after.count(")") > after.count("(")) or any(
        _quotes(value, mark) % 2 and _quotes(after, mark) % 2 for mark in "'\""
    )
    return (
        (f"`{value[-40:]}` ends at ` #`, which begins a comment", "put the whole value in quotes") if closes else None
    )


def syntax_problem(error: Any, text: str, path: str) -> Problem:
    """Say in our words what the YAML parser stumbled over."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        index = min(getattr(error, "position", 0) or 0, len(text))
        line = text.count("\n", 0, index) + 1
        column = index - (text.rfind("\n", 0, index) + 1) + 1
        return Problem(path, line, column, "", "a control character", "remove it; a config is plain text")
    message, hint = _advice(error, text.splitlines())
    if message in _UNCLOSED.values():
        mark = error.context_mark
    return Problem(path, mark.line + 1, mark.column + 1, "", message, hint)


_UNCLOSED = {
    "flow sequence": "a `[` without its `]`",
    "flow mapping": "a `{` without its `}`",
    "quoted scalar": "a quote that is not closed",
}
"""What the parser was at, and what nearly always is the matter; told where it begins."""

_SYNTAX: tuple[tuple[str, Advice], ...] = (
    ("cannot start any token", ("a value cannot begin with this character", "put it in quotes")),
    ("escape", ("`\\` in double quotes begins an escape, and this is none", "use single quotes")),
    ("alphabetic or numeric", ("`*` or `&` begins a YAML alias or anchor", "if it is text, put it in quotes")),
    ("expected ':'", ("a line that is no `key: value`", "write a space after the colon, and check the indentation")),
    ("mapping values are not allowed", ("a second `: ` in one value", "put the value in quotes, or indent it")),
)
"""What the parser says, in part, and what it nearly always means."""


def _advice(error: Any, lines: list[str]) -> Advice:
    mark = error.problem_mark
    line = _line(lines, mark.line)
    begun = line if error.context_mark is None else _line(lines, error.context_mark.line)
    if _stands_bare("{{", line) or _stands_bare("{{", begun):
        return "`{{` without quotes reads as a YAML mapping", _TEMPLATE_HINT
    if _stands_bare("${", line) or _stands_bare("${", begun):
        return "`${` without quotes, inside braces or brackets", 'put the whole value in quotes: "${NAME}"'
    if "\t" in line[: mark.column + 1]:
        return "a tab", "indent with spaces"
    unclosed = next((message for words, message in _UNCLOSED.items() if words in str(error.context)), None)
    if unclosed is not None and ("unexpected end" in str(error.problem) or "not find expected" in str(error.problem)):
        return unclosed, "close it"
    if "mapping values are not allowed" in str(error.problem) and ":" not in line[: mark.column]:
        # The parser reads on: to it the line belongs to the value of the key above.
        return "this line is indented deeper than the key above it", "begin both in the same column"
    otherwise = (f"not valid YAML: {error.problem}", "check the quotes, the brackets and the indentation")
    message, hint = next((advice for words, advice in _SYNTAX if words in str(error.problem)), otherwise)
    return message.replace("this character", f"`{line[mark.column : mark.column + 1]}`"), hint


def _stands_bare(what: str, line: str) -> bool:
    before, found, _ = line.partition(what)
    return bool(found) and _quotes(before, "'") % 2 == 0 and _quotes(before, '"') % 2 == 0


def _line(lines: list[str], number: int) -> str:
    return lines[number] if number < len(lines) else ""


def _rest(lines: list[str], mark: Any) -> str:
    return _line(lines, mark.line)[mark.column :].strip()[:40]


def _quotes(text: str, mark: str) -> int:
    """Count quotation marks, apostrophes inside words left out."""
    return _WORD_INSIDE_QUOTE.sub("", text).count(mark)
