"""What columns a relation has, and what a table's become when a batch brings others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dataflow.errors import ContractError
from dataflow.identifiers import quote
from dataflow.landing.parquet_types import kept_as

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["columns_of", "columns_of_query", "is_own_column", "parquet_select", "reconcile"]

OWN_PREFIX = "_dataflow"

_WIDTHS = {
    "TINYINT": (7, True),
    "SMALLINT": (15, True),
    "INTEGER": (31, True),
    "BIGINT": (63, True),
    "HUGEINT": (127, True),
    "UTINYINT": (8, False),
    "USMALLINT": (16, False),
    "UINTEGER": (32, False),
    "UBIGINT": (64, False),
    "UHUGEINT": (128, False),
}
"""Bits of the largest value, and whether there are negative ones."""
_MANTISSAS = {"FLOAT": 24, "DOUBLE": 53}
"""Bits of the largest whole number up to which every one is exact."""
_OTHERS = {
    ("TIMESTAMP_S", "TIMESTAMP_MS"),
    ("TIMESTAMP_S", "TIMESTAMP"),
    ("TIMESTAMP_MS", "TIMESTAMP"),
    ("FLOAT", "DOUBLE"),
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)\Z")


def columns_of_query(connection: DuckDBPyConnection, query: str) -> dict[str, str]:
    """Give the names and DuckDB types of what a query returns, in order."""
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {query}").fetchall()}


def columns_of(connection: DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Give the names and DuckDB types of a table or view (quoted already), in order."""
    return columns_of_query(connection, f"SELECT * FROM {relation}")


def is_own_column(name: str) -> bool:
    """Tell whether a column is one of ours, such as ``_dataflow_run``."""
    return name.lower().startswith(OWN_PREFIX)


def reconcile(
    workflow: str, table: str, loaded: Mapping[str, str], batch: Mapping[str, str], *, rows_stay: bool = True
) -> dict[str, str]:
    """Give the columns that hold both what is loaded and the batch: the loaded ones first, then the new.

    A column that the batch lacks stays; a type that one side holds without loss becomes that of the wider side. Where
    no loaded row stays, a type that changed in another way is the batch's.

    Raises:
        ContractError: when a column's type changed so and rows stay; the text names every such column.
    """
    wanted = dict(loaded)
    names = {name.lower(): name for name in loaded}
    changed = {}
    for column, new in batch.items():
        name = names.setdefault(column.lower(), column)
        old = wanted.setdefault(name, new)
        if old == new or _holds(old, new):
            continue
        if _holds(new, old) or not rows_stay:
            wanted[name] = new
        else:
            changed[name] = (old, new)
    if changed:
        told = "; ".join(f"{name} is {old} as loaded and {new} in this batch" for name, (old, new) in changed.items())
        name, (_, new) = next(iter(changed.items()))
        raise ContractError(
            f"{workflow}.{table}: {told}; give what is loaded the new type, `dataflow table cast {workflow} {table} "
            f"{name} '{new}'`, or `cast` in its transform back to the loaded one, or load it under another name"
        )
    return wanted


def parquet_select(columns: Mapping[str, str]) -> str:
    """Give the select list that Parquet keeps without loss."""
    kept = ((quote(name), kept_as(kind)) for name, kind in columns.items())
    return ", ".join(name if kind is None else f"CAST({name} AS {kind}) AS {name}" for name, kind in kept)


def _holds(wide: str, narrow: str) -> bool:
    """Tell whether every value of the narrow type is one of the wide type, exactly."""
    if (narrow, wide) in _OTHERS:
        return True
    if narrow in _WIDTHS:
        return _holds_integer(wide, *_WIDTHS[narrow])
    inner, outer = _DECIMAL.match(narrow), _DECIMAL.match(wide)
    if inner and outer:
        scale, wide_scale = int(inner[2]), int(outer[2])
        return wide_scale >= scale and int(outer[1]) - wide_scale >= int(inner[1]) - scale
    return False


def _holds_integer(wide: str, bits: int, signed: bool) -> bool:
    if wide in _WIDTHS:
        wide_bits, wide_signed = _WIDTHS[wide]
        return wide_bits >= bits and (wide_signed or not signed)
    if wide in _MANTISSAS:
        return _MANTISSAS[wide] >= bits
    outer = _DECIMAL.match(wide)
    return outer is not None and 10 ** (int(outer[1]) - int(outer[2])) > 2**bits
