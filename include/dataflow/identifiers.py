"""Names, text and moments as DuckDB reads them; the only way a name gets into SQL that we build.

The warehouse's statements hold their values so too: DuckDB imports pandas, half a second, for the first ``?``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["literal", "moment", "quote"]


def quote(*names: str) -> str:
    """Quote an identifier, or a dotted path of them: ``quote("a", "b")`` gives ``"a"."b"``."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def literal(text: str) -> str:
    """Quote text as a string literal."""
    return "'" + text.replace("'", "''") + "'"


def moment(at: datetime) -> str:
    """Write an aware time as a TIMESTAMPTZ."""
    return f"TIMESTAMPTZ {literal(at.isoformat())}"
