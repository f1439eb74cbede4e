"""What another database's columns are declared as there, as DuckDB's types: known before the first value is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["as_its_driver_gives", "duckdb_type"]

MOST_DIGITS = 38
"""Of a DECIMAL in DuckDB; what is wider is landed as text, exactly."""
WHOLE = {"TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "YEAR": "SMALLINT", "MEDIUMINT": "INTEGER", "INTEGER": "INTEGER"}
WHOLE |= {"BIGINT": "BIGINT", "BIT": "UBIGINT"}
OF_ANY_SIZE = frozenset({"oracle", "sqlite"})
"""Dialects whose INTEGER holds more than 64 bits, or anything at all."""
INSTANTS = frozenset({("mysql", "TIMESTAMP"), ("mariadb", "TIMESTAMP"), ("mssql", "DATETIMEOFFSET")})
"""What is one moment everywhere, although SQLAlchemy says of it no time zone."""


def duckdb_type(kind: sa.types.TypeEngine[Any], dialect: str) -> str | None:
    """Give the type that holds every value of a column; None where only its values can say.

    Args:
        kind: As SQLAlchemy reflected it.
        dialect: SQLAlchemy's name of the database's kind, e.g. ``mysql``.
    """
    import sqlalchemy as sa

    name = type(kind).__visit_name__
    if isinstance(kind, sa.types.Boolean):
        return "BOOLEAN"
    if isinstance(kind, sa.types.Integer) or name in WHOLE:
        is_unsigned = getattr(kind, "unsigned", False) or (dialect, name) == ("mssql", "TINYINT")
        return None if dialect in OF_ANY_SIZE else "U" * is_unsigned + WHOLE.get(name, "BIGINT")
    if isinstance(kind, sa.types.Numeric):
        return _decimal(kind.precision, kind.scale)
    if isinstance(kind, sa.types.DateTime):
        is_instant = kind.timezone or (dialect, name) in INSTANTS
        return "TIMESTAMP WITH TIME ZONE" if is_instant else "TIMESTAMP"
    return next((ours for theirs, ours in _plain() if isinstance(kind, theirs)), None)


def _plain() -> tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...]:
    from sqlalchemy import types

    return (
        (types.Float, "DOUBLE"),
        (types.Date, "DATE"),
        (types.Time, "TIME"),
        (types.JSON, "JSON"),
        (types.Uuid, "UUID"),
        (types.String, "VARCHAR"),
        (types.LargeBinary, "BLOB"),
    )


def _decimal(precision: int | None, scale: int | None) -> str | None:
    if precision is None:
        return None
    return f"DECIMAL({precision},{scale or 0})" if precision <= MOST_DIGITS else "VARCHAR"


def as_its_driver_gives(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Give a column whose values SQLAlchemy leaves alone, where it would change them.

    Of a time of 100 hours it would make one of 4, of a DOUBLE a decimal of ten places, of JSON's numbers doubles.
    """
    import sqlalchemy as sa

    changed = (sa.types.Time, sa.types.Numeric, sa.types.Float, sa.types.JSON)
    if isinstance(column.type, changed) or type(column.type).__visit_name__ == "SET":
        return sa.type_coerce(column, sa.types.NullType()).label(column.name)
    return column
