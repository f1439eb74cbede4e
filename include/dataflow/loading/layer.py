"""One file of a config, read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dataflow.errors import Problem
from dataflow.loading.files import UnreadableFile, read_file
from dataflow.loading.yaml_document import MAX_BYTES, Node, read_document

__all__ = ["Layer", "read_layer"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One file as it was read; without a root where there is no such file or where it is broken."""

    root: Node | None
    problems: tuple[Problem, ...] = ()


def read_layer(project: Path, name: str) -> Layer:
    """Read one file of a config; its name is relative to the project."""
    try:
        content = read_file(project, name, limit=MAX_BYTES)
    except UnreadableFile as error:
        return Layer(None, (Problem(name, 1, 1, "", error.message, error.hint),))
    if content is None:
        return Layer(None)
    root, problems = read_document(content, name)
    return Layer(root, tuple(problems))
