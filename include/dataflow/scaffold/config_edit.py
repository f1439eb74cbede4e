"""Write keys into a ``config.yaml`` where they belong, and leave every other character as it is.

ruamel.yaml says where things are; the text itself is spliced, for a document that is dumped again is indented, quoted
and wrapped anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml as plain_yaml
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node

from dataflow.errors import InputError

__all__ = ["with_keys"]


def with_keys(text: str, place: Sequence[str], keys: Mapping[str, Any]) -> str:
    """Give the text with these keys in the mapping at the place, which may end in one that is not there yet.

    Raises:
        InputError: when what holds the place is not written in this text as a mapping.
    """
    for key, value in keys.items():
        text = _with_key(text, place, key, value)
    return text


def _with_key(text: str, place: Sequence[str], key: str, value: Any) -> str:
    node: Node | None = YAML().compose(text)
    for depth, step in enumerate(place):
        inner = _child(node, step)
        if inner is None:
            return _with_key(text, place[:depth], step, _nested(place[depth + 1 :], {key: value}))
        node = inner
    if not isinstance(node, MappingNode):
        raise InputError(f"{'.'.join(place)} is no mapping in the config; write {key} yourself")
    return _in_braces(text, node, key, value) if node.flow_style else _in_block(text, node, key, value)


def _child(node: Node | None, step: str) -> Node | None:
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((value for name, value in pairs if name.value == step), None)


def _nested(steps: Sequence[str], value: Any) -> Any:
    for step in reversed(steps):
        value = {step: value}
    return value


def _in_braces(text: str, node: MappingNode, key: str, value: Any) -> str:
    end = node.end_mark.index - 1
    before = text[:end].rstrip()
    comma = "" if not node.value or before.endswith(",") else ", "
    # A comment may stand at the end of the last line within the braces.
    if "\n" in text[node.start_mark.index : end] and re.search(r"(?:^|\s)#[^\n]*$", before):
        before, comma = before + "\n", " " * (node.value[0][0].start_mark.column) + (", " if node.value else "")
    return f"{before}{comma}{_flow({key: value})[1:-1]}{text[end:]}"


def _in_block(text: str, node: MappingNode, key: str, value: Any) -> str:
    lines = text.splitlines(keepends=True)
    column = node.start_mark.column
    last = _last_line(lines, node, column)
    if not lines[last].endswith("\n"):
        lines[last] += "\n"
    step = 2
    new = [f"{' ' * column}{line}\n" for line in _block(key, value, step)]
    return "".join([*lines[: last + 1], *new, *lines[last + 1 :]])


def _last_line(lines: Sequence[str], node: MappingNode, column: int) -> int:
    """Give the last line of a block mapping; blank lines and comments behind it belong to what follows."""
    last: int = node.value[-1][0].start_mark.line
    for number in range(last + 1, len(lines)):
        line = lines[number].rstrip("\n")
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        # The items of a list may stand below the column of its key's children, never left of the key itself.
        if indent < column or (indent == column and not bare.startswith("- ")):
            break
        last = number
    return last


def _block(key: str, value: Any, step: int) -> Iterator[str]:
    if isinstance(value, Mapping) and (len(value) > 3 or any(isinstance(each, Mapping) for each in value.values())):
        yield f"{_scalar(key)}:"
        for name, inner in value.items():
            yield from (f"{' ' * step}{line}" for line in _block(name, inner, step))
    else:
        yield f"{_scalar(key)}: {_flow(value)}"


def _flow(value: Any) -> str:
    text: str = plain_yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False)
    return text.removesuffix("...\n").strip()


def _scalar(key: str) -> str:
    return _flow([key])[1:-1]
