"""What tells one bad row from another: its values, all of them, whichever run read it."""

from __future__ import annotations

from collections.abc import Iterable

from dataflow.identifiers import literal, quote
from dataflow.landing.manifest import METADATA_PREFIX

__all__ = ["ORIGIN", "as_text", "fingerprint"]

ORIGIN = "_dataflow_origin"
"""The fingerprint of a row as its source gave it, kept through every correction."""


def as_text(expression: str, kind: str) -> str:
    """Give the SQL of a value of a DuckDB type as text; what is nested as JSON, which is what is read from text."""
    nested = kind.startswith(("STRUCT(", "MAP(")) or kind.endswith("]")
    return f"CAST({f'to_json({expression})' if nested else expression} AS VARCHAR)"


def fingerprint(columns: Iterable[tuple[str, str]]) -> str:
    """Give the SQL of the fingerprint of a row with these columns, names and types; ours do not count.

    A column that is NULL is as good as one that is not there: a source may gain columns, and its rows stay the same.
    """
    data = sorted((name.lower(), name, kind) for name, kind in columns if not name.startswith(METADATA_PREFIX))
    values = [f"{literal(lower + '=')} || {as_text(quote(name), kind)}" for lower, name, kind in data]
    return f"md5(concat_ws(chr(31), {', '.join(values)}))" if values else "md5('')"
