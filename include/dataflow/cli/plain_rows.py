"""Rows of a query as values that a person can read and JSON can hold; no value changes on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.identifiers import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

__all__ = ["plain_rows"]

INTEGERS = (
    "tinyint",
    "smallint",
    "integer",
    "bigint",
    "hugeint",
    "utinyint",
    "usmallint",
    "uinteger",
    "ubigint",
    "uhugeint",
)
KEPT = {"boolean", "float", "double", "decimal", "varchar", *INTEGERS}
"""Types whose values Python and JSON have too. Python has, for one, no infinite timestamp."""


def plain_rows(connection: DuckDBPyConnection, select: str) -> list[dict[str, Any]]:
    """Run one SELECT. Columns of the same name become ``id`` and ``id_1``, as in a subquery of DuckDB's.

    Gives truths, numbers, texts, lists and mappings; anything else (dates, intervals, bytes) is the text that DuckDB
    makes of it, also within lists and structs.

    Raises:
        duckdb.Error: as DuckDB says.
    """
    asked = connection.sql(select)
    names = asked.project("*").columns
    plain = ", ".join(f"{quote(name)}::{_plain(kind)}" for name, kind in zip(names, asked.types, strict=True))
    rows = connection.execute(f"SELECT {plain} FROM (\n{select}\n)").fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def _plain(kind: DuckDBPyType) -> str:
    """Give the type that takes a column's values as they are shown."""
    if kind.id in KEPT:
        return str(kind)
    if kind.id in ("list", "array"):
        return f"{_plain(_part(kind, 'child'))}[]"
    if kind.id == "map":
        return f"MAP(VARCHAR, {_plain(_part(kind, 'value'))})"
    if kind.id == "struct" and all(name for name, _ in kind.children):
        fields = ", ".join(f"{quote(name)} {_plain(_part(kind, name))}" for name, _ in kind.children)
        return f"STRUCT({fields})"
    return "VARCHAR"


def _part(kind: DuckDBPyType, name: str) -> Any:
    return dict(kind.children)[name]
