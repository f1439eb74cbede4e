"""Where each value of a config came from, once its layers are merged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dataflow.loading.yaml_document import Node, dotted

__all__ = ["Origin", "origins_of"]


@dataclass(frozen=True, slots=True)
class Origin:
    """One value of a merged config: a scalar, or a list of scalars that one file gives."""

    key: str
    """Dotted, as problems show it."""
    value: Any
    path: str
    """Of the file, relative to the project."""
    line: int
    column: int


def origins_of(root: Node) -> Iterator[Origin]:
    """Give every value of the config, in the order of the lowest layer that has its key."""
    yield from _origins(root, ())


def _origins(node: Node, steps: tuple[str | int, ...]) -> Iterator[Origin]:
    value = node.value
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _origins(child, (*steps, key))
    elif isinstance(value, list) and not _is_of_one_piece(node, value):
        for index, child in enumerate(value):
            yield from _origins(child, (*steps, index))
    else:
        yield Origin(dotted(steps), node.plain(), node.path, node.line, node.column)


def _is_of_one_piece(node: Node, items: list[Node]) -> bool:
    return all(not isinstance(item.value, (dict, list)) and item.path == node.path for item in items)
