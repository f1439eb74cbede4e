"""Text, dates and timestamps without a zone, made ``TIMESTAMPTZ``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.errors import ContractError
from dataflow.identifiers import literal, quote

if TYPE_CHECKING:
    from dataflow.spec.transforms import NormalizeTimestamps
    from dataflow.transforms.rows import Rows

__all__ = ["normalize_timestamps"]

_ISO = r"^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(?:(:\d{2})([.,]\d{1,9})?)?(?: ?([Zz]|[+-]\d{2}(?::?\d{2})?))?)?$"


def normalize_timestamps(rows: Rows, argument: NormalizeTimestamps) -> None:
    """Make columns ``TIMESTAMPTZ``; values that name no zone are in the one given.

    Raises:
        ContractError: when a text is not ISO 8601, or a column is no kind of time.
    """
    import duckdb

    moments = {}
    for name in argument.columns:
        column = rows.find(name)
        moments[column] = _moment(column, rows.columns[column], zone=argument.timezone)
    replaced = ", ".join(f"{_or_error(column, moment)} AS {quote(column)}" for column, moment in moments.items())
    try:
        rows.compute(f"SELECT * REPLACE ({replaced}) FROM {rows.sql}")
    except duckdb.InvalidInputException:
        for column, moment in moments.items():
            _refuse_unreadable(rows, column, moment=moment)
        raise


def _or_error(column: str, moment: str) -> str:
    # Taking text apart is dear: it is done once, and again only to say which text cannot be read.
    unreadable = f"CASE WHEN {quote(column)} IS NOT NULL THEN error('unreadable') END"
    return f"coalesce({moment}, {unreadable})"


def _moment(column: str, kind: str, *, zone: str) -> str:
    name = quote(column)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return name
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return f"timezone({literal(zone)}, CAST({name} AS TIMESTAMP))"
    if kind == "VARCHAR":
        return _moment_of_text(name, zone=zone)
    raise ContractError(f"{column} is {kind}, neither text nor a timestamp; `cast` it first")


def _moment_of_text(name: str, *, zone: str) -> str:
    # DuckDB reads a text with an offset as TIMESTAMP too and drops the offset, and refuses `00:00Z`: so the parts are
    # taken apart and put together in the one form that both of its casts read.
    parts = f"regexp_extract(trim({name}), {literal(_ISO)}, ['day', 'minute', 'second', 'fraction', 'zone'])"
    local = (
        "parts.day || ' ' || coalesce(nullif(parts.minute, ''), '00:00') || coalesce(nullif(parts.second, ''), ':00')"
        " || replace(parts.fraction, ',', '.')"
    )
    with_offset = f"TRY_CAST({local} || upper(parts.zone) AS TIMESTAMPTZ)"
    without = f"timezone({literal(zone)}, TRY_CAST({local} AS TIMESTAMP))"
    moment = f"CASE WHEN parts.zone <> '' THEN {with_offset} ELSE {without} END"
    return f"list_transform([{parts}], lambda parts: {moment})[1]"


def _refuse_unreadable(rows: Rows, column: str, *, moment: str) -> None:
    name = quote(column)
    unreadable = f"{name} IS NOT NULL AND {moment} IS NULL"
    found = rows.connection.execute(
        f"SELECT count(*), left(min(CAST({name} AS VARCHAR)), 100) FROM {rows.sql} WHERE {unreadable}"
    ).fetchone()
    if found and found[0]:
        raise ContractError(
            f"{column}: {rows.shown(column, found[1])} is no ISO 8601 time such as 2025-01-31T08:30:00+01:00 "
            f"({found[0]} rows hold such text)"
        )
