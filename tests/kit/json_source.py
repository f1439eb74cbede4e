"""A source that is one JSON file."""

from __future__ import annotations

from typing import Any

__all__ = ["WIDE", "json_source"]

WIDE = "DECIMAL(38,10)"


def json_source(columns: dict[str, Any], *, kind: str = "json", path: str = "a.json") -> dict[str, Any]:
    """Give the config of the source."""
    return {"type": "file", "format": kind, "path": path, "columns": columns}
