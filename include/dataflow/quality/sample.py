"""A few failing rows, as run history and the page show them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dataflow.identifiers import quote
from dataflow.queries import RESERVED_PREFIX, columns_of_query, run_single

if TYPE_CHECKING:
    import duckdb

__all__ = ["sample_rows"]

MAX_ROWS = 5
MAX_COLUMNS = 20
MAX_CHARACTERS = 100

_PLAIN = {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "FLOAT", "DOUBLE"}
_EXACT_IN_JSON = 2**53


def sample_rows(
    connection: duckdb.DuckDBPyConnection, query: str, *, first: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Give the same few rows of a query each time, the columns named in ``first`` leading."""
    found = [(index, name, kind) for index, (name, kind) in enumerate(columns_of_query(connection, query))]
    positional = ", ".join(quote(f"c{index}") for index, _, _ in found)
    shown = [column for column in found if not column[1].startswith(RESERVED_PREFIX)]
    leading = [name.lower() for name in first]
    shown.sort(key=lambda column: leading.index(column[1].lower()) if column[1].lower() in leading else len(leading))
    shown = shown[:MAX_COLUMNS]
    if not shown:
        return []
    values = ", ".join(_readable(quote(f"c{index}"), kind) for index, _, kind in shown)
    rows = run_single(
        connection,
        f"SELECT {values} FROM ({query}\n) AS failing({positional}) ORDER BY ALL LIMIT {MAX_ROWS}",
    ).fetchall()
    return [{name: _json_value(value) for (_, name, _), value in zip(shown, row, strict=True)} for row in rows]


def _readable(column: str, kind: str) -> str:
    # Text is cut in DuckDB, so that one huge value is never fetched.
    return column if kind in _PLAIN else f"left(CAST({column} AS VARCHAR), {MAX_CHARACTERS + 1})"


def _json_value(value: Any) -> Any:
    if isinstance(value, str):
        # PostgreSQL stores no NUL, neither in text nor in JSON.
        text = value.replace("\x00", "\ufffd")
        return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + "…"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT_IN_JSON:
        return str(value)
    return value
