"""Names and text as DuckDB reads them; the only way a name gets into SQL that we build."""

from __future__ import annotations

__all__ = ["literal", "quote"]


def quote(*names: str) -> str:
    """Quote an identifier, or a dotted path of them: ``quote("a", "b")`` gives ``"a"."b"``."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def literal(text: str) -> str:
    """Quote text as a string literal."""
    return "'" + text.replace("'", "''") + "'"
