"""Calls of DuckDB's file readers, as SQL."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path

from dataflow.identifiers import literal

__all__ = ["Option", "scan_call"]

Option = str | int | float | bool | Sequence[str] | Mapping[str, str]


def scan_call(reader: str, paths: Sequence[Path], options: Mapping[str, Option]) -> str:
    """Give ``read_csv(['a.csv'], header = true)``; each path is read as it is, also with ``*?[`` in it."""
    files = ", ".join(literal(glob.escape(str(path))) for path in paths)
    named = "".join(f", {name} = {_value(value)}" for name, value in options.items())
    return f"{reader}([{files}]{named})"


def _value(value: Option) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in value.items()) + "}"
    return "[" + ", ".join(literal(item) for item in value) + "]"
