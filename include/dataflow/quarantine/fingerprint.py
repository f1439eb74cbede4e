"""What tells one bad row from another: its values, all of them, whichever run read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dataflow.identifiers import literal, quote
from dataflow.landing.manifest import METADATA_PREFIX
from dataflow.quarantine.same_value import same_text, same_texts

__all__ = ["ORIGIN", "as_text", "earlier_fingerprint", "fingerprint", "fingerprint_of_texts", "is_nested"]

ORIGIN = "_dataflow_origin"
"""The fingerprint of a row as its source gave it, kept through every correction."""

_FORM = "2:"
"""Which form a fingerprint has; the earlier one, which began with nothing, depended on how a type writes a value."""


def as_text(expression: str, kind: str) -> str:
    """Give the SQL of a value of a DuckDB type as text; what is nested as JSON, which is what is read from text."""
    return f"CAST({f'to_json({expression})' if is_nested(kind) else expression} AS VARCHAR)"


def fingerprint(columns: Iterable[tuple[str, str]]) -> str:
    """Give the SQL of the fingerprint of a row with these columns, names and types; ours do not count.

    A column that is NULL is as good as one that is not there: a source may gain columns, and its rows stay the same. So
    they do where a column is given a wider type.
    """
    return _fingerprint((name, same_text(quote(name), kind)) for name, kind in columns)


def fingerprint_of_texts(columns: Iterable[str], *, kinds: Mapping[str, str]) -> str:
    """Give the SQL of the fingerprint of a row of texts, as `as_text` gives them, that were values of these types.

    A text that is no such value, as in a row that somebody corrected, counts as that text.
    """
    return _fingerprint((name, _read(quote(name), kinds.get(name, "VARCHAR"))) for name in columns)


def earlier_fingerprint(columns: Iterable[tuple[str, str]]) -> str:
    """Give the SQL of the fingerprint as it was made at first; corrections that have it are valid still."""
    data = sorted((name.lower(), name, kind) for name, kind in columns if not name.startswith(METADATA_PREFIX))
    values = [f"{literal(lower + '=')} || {as_text(quote(name), kind)}" for lower, name, kind in data]
    return f"md5(concat_ws(chr(31), {', '.join(values)}))" if values else "md5('')"


def _fingerprint(values: Iterable[tuple[str, str]]) -> str:
    data = sorted((name.lower(), text) for name, text in values if not name.startswith(METADATA_PREFIX))
    return f"{literal(_FORM)} || md5({same_texts(data)})"


def _read(text: str, kind: str) -> str:
    value = f"TRY_CAST({text} AS JSON)" if is_nested(kind) else text
    return f"coalesce({same_text(f'TRY_CAST({value} AS {kind})', kind)}, {text})"


def is_nested(kind: str) -> bool:
    """Tell whether a type has values within values."""
    return kind.startswith(("STRUCT(", "MAP(")) or kind.endswith("]")
