"""How each type of PostgreSQL is read, so that no value changes: as it is where DuckDB keeps it, else as text.

The scanner makes a DOUBLE of a numeric without precision, 0 of NaN in one with precision, and refuses arrays of more
dimensions than one; Parquet keeps neither the zone of a timetz nor the microseconds of an interval.
"""

from __future__ import annotations

from dataclasses import dataclass

from dataflow.identifiers import literal, quote

__all__ = ["PostgresColumn", "PostgresType", "Wanted", "wanted"]

NATIVE = frozenset(
    {"bool", "bytea", "date", "float4", "float8", "int2", "int4", "int8", "text", "time"}
    | {"timestamp", "timestamptz", "uuid", "varchar", "bpchar"}
)
NATIVE_IN_ARRAYS = NATIVE - {"bytea", "bpchar"}
NOT_A_NUMBER = "in the column"
MAX_DIGITS = 38


@dataclass(frozen=True, slots=True)
class PostgresType:
    """A type as ``pg_type`` has it."""

    name: str
    kind: str
    """``b`` base, ``c`` composite, ``e`` enum, ``r`` range and so on."""
    element: str | None
    """Of an array: its elements' type."""


@dataclass(frozen=True, slots=True)
class PostgresColumn:
    """A column as the server describes it."""

    name: str
    type: PostgresType
    precision: int | None
    scale: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """How one column is asked for."""

    expression: str
    default: str | None = None
    """The DuckDB type that it has where none is declared; None for the one that the scanner gives."""
    is_loose: bool = False
    """A number that comes as text, for its type says not how many digits it has."""


def wanted(column: PostgresColumn, declared: str | None) -> Wanted:
    """Give the expression that reads a column; what is declared of it may ask for another form."""
    name, kind = quote(column.name), column.type
    as_text, as_json = Wanted(f"{name}::text"), Wanted(f"to_json({name})::text", "JSON")
    if declared == "JSON" and (kind.element is not None or kind.kind == "c"):
        return as_json
    if kind.element is not None:
        if declared == "VARCHAR":
            return as_text
        return Wanted(name) if kind.element in NATIVE_IN_ARRAYS else Wanted(f"{name}::text[]")
    if kind.name in NATIVE and kind.kind == "b":
        return Wanted(name)
    if kind.name == "numeric":
        return _number(column, declared)
    special = {
        "json": Wanted(f"{name}::text", "JSON"),
        "jsonb": Wanted(f"{name}::text", "JSON"),
        "oid": Wanted(f"{name}::int8"),
        "money": Wanted(f"{name}::numeric::text", "DECIMAL(22,4)"),
        "interval": Wanted(name) if declared == "INTERVAL" else as_text,
    }
    return special.get(kind.name) or (as_json if kind.kind == "c" else as_text)


def _number(column: PostgresColumn, declared: str | None) -> Wanted:
    name, precision, scale = quote(column.name), column.precision or 0, column.scale or 0
    is_bounded = 0 < precision <= MAX_DIGITS and 0 <= scale <= precision
    if not is_bounded or declared in ("DOUBLE", "FLOAT", "VARCHAR"):
        return Wanted(f"{name}::text", is_loose=not is_bounded)
    # DuckDB has no DECIMAL that is no number; this makes PostgreSQL itself say in which column one is.
    said = literal(f" {NOT_A_NUMBER} {column.name}")
    checked = f"case {name} when 'NaN' then cast({name}::text || {said} as numeric) else {name} end"
    return Wanted(f"cast({checked} as numeric({precision},{scale}))")
