"""The columns that every landed row has of us, and the cut to the range of the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from dataflow.errors import ContractError
from dataflow.identifiers import literal, quote
from dataflow.interval import Interval
from dataflow.sources.reading import NO_COLUMN

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["NULL_CURSOR", "count_cut_rows", "is_outside", "prepare_cut", "stamped"]

NULL_CURSOR = "dataflow: a cursor is null"
CURSOR_KINDS = ("DATE", "TIMESTAMP", "VARCHAR")
CUT = "dataflow_cut"


def stamped(
    rows: str,
    *,
    columns: Mapping[str, str],
    run_id: str,
    window: Interval,
    cursor_column: str | None,
    cursor: Interval | None,
) -> str:
    """Give the query that adds our columns and, with a cursor, leaves out the rows outside of its range.

    Raises:
        ContractError: when the cursor column is not there or is no time.
    """
    data = "".join(f"{quote(name)}, " for name in columns if name != NO_COLUMN)
    ours = (
        f"{data}{literal(run_id)} as _dataflow_run, {_moment(window.start)} as _dataflow_window_start, "
        f"{_moment(window.end)} as _dataflow_window_end"
    )
    if cursor_column is None or cursor is None:
        return f"select {ours} from ({rows})"
    if NO_COLUMN in columns:
        return f"select {ours}, cast(null as TIMESTAMPTZ) as _dataflow_cursor from ({rows})"
    moment = _cursor_moment(cursor_column, columns)
    value = f"case when {quote(cursor_column)} is null then error({literal(NULL_CURSOR)}) else {moment} end"
    # The sequence counts the rows that are cut in the same pass: reading a large file twice costs as much again.
    return (
        f"select * from (select {ours}, {value} as _dataflow_cursor from ({rows})) "
        f"where case when {is_outside('_dataflow_cursor', cursor)} then nextval('{CUT}') < 0 else true end"
    )


def is_outside(moment: str, cursor: Interval) -> str:
    """Give the SQL that tells whether a moment lies outside of the range."""
    return f"({moment} < {_moment(cursor.start)} or {moment} >= {_moment(cursor.end)})"


def prepare_cut(connection: DuckDBPyConnection) -> None:
    """Begin to count, again where that was done before."""
    connection.execute(f"create or replace sequence {CUT} minvalue 0 start 0")


def count_cut_rows(connection: DuckDBPyConnection) -> int:
    """Give how many rows were cut since `prepare_cut`. Ask once: asking counts as well."""
    counted = connection.execute(f"select nextval('{CUT}')").fetchone()
    return int(counted[0]) if counted else 0


def _cursor_moment(column: str, columns: Mapping[str, str]) -> str:
    if column not in columns:
        raise ContractError(f'incremental.cursor: no column "{column}"; there are {", ".join(columns)}')
    if not columns[column].startswith(CURSOR_KINDS):
        raise ContractError(
            f'incremental.cursor: column "{column}" is {columns[column]}; '
            "a cursor is a DATE, a TIMESTAMP or a TIMESTAMPTZ"
        )
    # The session's zone is UTC: so a DATE is its midnight in UTC, and a TIMESTAMP is taken as UTC.
    return f"cast({quote(column)} as TIMESTAMPTZ)"


def _moment(moment: datetime) -> str:
    return f"timestamptz {literal(moment.isoformat())}"
