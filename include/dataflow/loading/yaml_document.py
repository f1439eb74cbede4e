"""One YAML file as a tree that knows the place of every key and value.

YAML 1.2 core, and strict: ``no``, ``12:30`` and ``010`` are text, and what YAML reads in a way that nobody means (an
unquoted ``{{ x }}``, the comma of ``DECIMAL(12,2)`` in braces) is told. Built from the parser's events with a stack of
our own, so that no input recurses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from dataflow.errors import Problem
from dataflow.loading import misleading_yaml

__all__ = ["MAX_BYTES", "MAX_DEPTH", "Node", "Scalar", "dotted", "read_document"]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_PROBLEMS = 50
"""Of one file; who has more mends these first."""

Scalar = str | int | float | bool | None


@dataclass(slots=True)
class Node:
    """A value, where it is, and where its key is; lines and columns count from 1."""

    value: Scalar | dict[str, Node] | list[Node]
    path: str
    """Of the file, as messages show it."""
    line: int
    column: int
    key_line: int
    """Of the key in a mapping; in a list and at the root, of the value itself."""
    key_column: int

    def plain(self) -> Any:
        """Give the value without its places, as fresh dicts and lists."""
        value = self.value
        if type(value) is dict:
            return {key: child.plain() for key, child in value.items()}
        if type(value) is list:
            return [child.plain() for child in value]
        return value

    def at(self, steps: tuple[str | int, ...]) -> Node | None:
        """Give the node that the steps lead to, if there is one."""
        node: Node | None = self
        for step in steps:
            value = node.value if node is not None else None
            if isinstance(value, dict) and isinstance(step, str):
                node = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                node = value[step]
            else:
                return None
        return node


def read_document(content: bytes, path: str) -> tuple[Node | None, list[Problem]]:
    """Read a YAML file that holds one mapping.

    Args:
        content: The bytes of the file.
        path: How messages call it.

    Returns:
        The root, None where the text cannot be read to its end; and what is wrong with it.
    """
    if len(content) > MAX_BYTES:
        return None, [Problem(path, 1, 1, "", f"the file is larger than {MAX_BYTES // 1024} kB", "keep data in files")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        message = f"the byte {content[error.start]:#04x} is not UTF-8"
        return None, [Problem(path, before.count(b"\n") + 1, column, "", message, "save the file as UTF-8")]
    reader = _Reader(text, path)
    try:
        root = reader.read()
    except _Stop:
        root = None
    except YAMLError as error:
        reader.problems.append(misleading_yaml.syntax_problem(error, text, path))
        root = None
    return root, reader.problems


class _Stop(Exception):
    """Nothing that follows can be trusted; the reason is among the problems."""


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    into: dict[str, Node] | list[Node]
    step: str | int
    """Where it is in what holds it."""
    flow: bool
    """Written in braces or brackets."""
    key: str | None = None
    """Of a mapping, once its value is awaited."""
    key_line: int = 0
    key_column: int = 0

    def next_step(self) -> str | int:
        return len(self.into) if type(self.into) is list else self.key or ""


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.stack: list[_Open] = []
        self.documents = 0

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def read(self) -> Node | None:
        next_event = CParser(self.text).get_event
        while True:
            event: Any = next_event()
            kind = type(event)
            if kind is ScalarEvent:
                self.scalar(event)
            elif kind is MappingStartEvent:
                self.open(event, {})
            elif kind is SequenceStartEvent:
                self.open(event, [])
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self.stack.pop()
            elif kind is AliasEvent:
                self.stop(event.start_mark, *misleading_yaml.alias(self.lines, event.start_mark))
            elif kind is DocumentStartEvent:
                self.document(event)
            elif kind is StreamEndEvent:
                return self.checked_root()

    def checked_root(self) -> Node | None:
        if self.root is None:
            self.problems.append(Problem(self.path, 1, 1, "", "the file is empty", "write a mapping of keys"))
        elif type(self.root.value) is not dict:
            place = (self.root.line, self.root.column)
            self.problems.append(Problem(self.path, *place, "", "the file is not a mapping of keys and values"))
            return None
        return self.root

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.stop(event.start_mark, "a second document begins here", "one file is one document, remove `---`")
        if event.version or event.tags:
            self.stop(event.start_mark, "a YAML directive", "remove the line that begins with `%`")

    def scalar(self, event: Any) -> None:
        mark = event.start_mark
        if event.anchor is not None or event.tag is not None:
            self.stop(mark, *misleading_yaml.tag_or_anchor(self.lines, event))
        inside = self.stack[-1] if self.stack else None
        if inside is not None and inside.key is None and type(inside.into) is dict:
            self.key(inside, event)
            return
        value: str = event.value
        if not event.implicit[0]:
            self.place(value, mark)
        elif value == "" and inside is not None:
            self.bare(inside, event)
        else:
            if "(" in value or "'" in value or '"' in value:
                cut = misleading_yaml.cut_text(self.lines, event, flow=inside is not None and inside.flow)
                if cut is not None:
                    self.tell(mark, *cut)
            self.place(_core_value(value) if value[:1] in _MAY_BE_NO_TEXT else value, mark)

    def key(self, inside: _Open, event: Any) -> None:
        mark = event.start_mark
        inside.key, inside.key_line, inside.key_column = event.value, mark.line + 1, mark.column + 1
        if event.value in inside.into:
            first = inside.into[event.value].key_line
            self.tell(mark, "duplicate key", f"the first is on line {first}")

    def bare(self, inside: _Open, event: Any) -> None:
        """Refuse ``key:`` with nothing after it; whether null or an empty list is meant, nobody can tell."""
        key = inside.key
        if key is None:
            self.tell(event.start_mark, "an item without a value", "write the value, or remove the dash")
        elif inside.flow and key.count(")") > key.count("("):
            inside.key = None  # the rest of a text that was cut at a comma; that is told
            return
        else:
            message, hint = misleading_yaml.bare_key(self.lines, event.start_mark)
            self.tell_at(inside.key_line, inside.key_column, message, hint=hint)
        self.place(None, event.start_mark)

    def open(self, event: Any, into: dict[str, Node] | list[Node]) -> None:
        mark = event.start_mark
        if event.anchor is not None or event.tag is not None:
            self.stop(mark, *misleading_yaml.tag_or_anchor(self.lines, event))
        if len(self.stack) >= MAX_DEPTH:
            self.stop(mark, f"nested deeper than {MAX_DEPTH} levels")
        inside = self.stack[-1] if self.stack else None
        if inside is not None and inside.key is None and type(inside.into) is dict:
            self.stop(mark, *misleading_yaml.key_that_is_no_text(self.lines, mark))
        step = inside.next_step() if inside is not None else ""
        self.place(into, mark)
        self.stack.append(_Open(into, step, bool(event.flow_style)))

    def place(self, value: Scalar | dict[str, Node] | list[Node], mark: Any) -> None:
        line, column = mark.line + 1, mark.column + 1
        if not self.stack:
            self.root = Node(value, self.path, line, column, line, column)
            return
        inside = self.stack[-1]
        if type(inside.into) is list:
            inside.into.append(Node(value, self.path, line, column, line, column))
        elif inside.key is not None:
            node = Node(value, self.path, line, column, inside.key_line, inside.key_column)
            inside.into.setdefault(inside.key, node)  # type: ignore[union-attr]  # a mapping, for it has a key
            inside.key = None

    def dotted(self) -> str:
        """Give the key of what is read now."""
        steps = [inside.step for inside in self.stack[1:]]
        if self.stack and (self.stack[-1].key is not None or type(self.stack[-1].into) is list):
            steps.append(self.stack[-1].next_step())
        return dotted(steps)

    def tell(self, mark: Any, message: str, hint: str = "") -> None:
        self.tell_at(mark.line + 1, mark.column + 1, message, hint=hint)

    def tell_at(self, line: int, column: int, message: str, *, hint: str) -> None:
        self.problems.append(Problem(self.path, line, column, self.dotted(), message, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def stop(self, mark: Any, message: str, hint: str = "") -> None:
        self.tell(mark, message, hint)
        raise _Stop


_MAY_BE_NO_TEXT = frozenset("-+.0123456789tfn~")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,38})\Z|0x[0-9a-fA-F]{1,32}\Z|0o[0-7]{1,40}\Z")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None}


def _core_value(text: str) -> Scalar:
    """Read what stands without quotes; what is no number and none of the four words is text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
    if _FLOAT.match(text) and isfinite(number := float(text)):
        return number
    return text


_PLAIN_STEP = re.compile(r"[\w/@*-]+\Z")


def dotted(steps: Iterable[str | int]) -> str:
    """Give the steps as messages show them, ``columns."my column".type``; a line of text whatever a key holds."""
    return ".".join(
        step if _PLAIN_STEP.match(step) else json.dumps(step[:80], ensure_ascii=not step.isprintable())
        for step in map(str, steps)
    )
