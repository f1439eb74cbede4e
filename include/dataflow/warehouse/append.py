"""Appending a batch to its table, any number of times: what a read covers goes first, then what it gave comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dataflow.errors import ContractError
from dataflow.identifiers import literal, moment
from dataflow.interval import Interval

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["CURSOR", "append_rows"]

CURSOR = "_dataflow_cursor"


def append_rows(
    connection: DuckDBPyConnection,
    relation: str,
    *,
    batch: str,
    columns: Mapping[str, str],
    name: str,
    run_id: str,
    window: Interval | None,
    cursor: Interval | None,
) -> int:
    """Delete what this read covers, then insert what it gave; give the number of rows inserted.

    Covered are the rows whose cursor lies in ``cursor``; without one, those of windows within ``window``; without
    either, those of this run.

    Args:
        connection: Within a transaction.
        relation: The table, as SQL says it.
        batch: The rows, as SQL says them, with our own columns.
        columns: The batch's.
        name: The table as messages say it.
        run_id: Whose rows they are.
        window: This run's, where its rows depend on it.
        cursor: The range that was read, of an incremental source.

    Raises:
        ContractError: when rows would be doubled now or by a later read: they lack a cursor of this range, or this
            window cuts through one that is loaded.
    """
    if cursor is not None:
        _require_cursor(connection, batch=batch, columns=columns, name=name, cursor=cursor)
        covered = f"{CURSOR} >= {moment(cursor.start)} AND {CURSOR} < {moment(cursor.end)}"
    elif window is not None:
        _require_whole_windows(connection, relation, name=name, window=window)
        covered = _within(window)
    else:
        covered = f"_dataflow_run = {literal(run_id)}"
    connection.execute(f"DELETE FROM {relation} WHERE {covered}")
    inserted = connection.execute(f"INSERT INTO {relation} BY NAME SELECT * FROM {batch}").fetchone()
    return int(inserted[0]) if inserted else 0


def _require_cursor(
    connection: DuckDBPyConnection, *, batch: str, columns: Mapping[str, str], name: str, cursor: Interval
) -> None:
    """Refuse rows that a later read of the same range would not find, and so would double."""
    if CURSOR not in columns:
        raise ContractError(
            f"{name}: `append` of an incremental source needs each row's {CURSOR}, "
            "and its transform returns rows without it; return that column, or use `merge`"
        )
    outside = connection.execute(
        f"SELECT count(*) FROM {batch} WHERE {CURSOR} IS NULL "
        f"OR {CURSOR} < {moment(cursor.start)} OR {CURSOR} >= {moment(cursor.end)}"
    ).fetchone()
    if outside and outside[0]:
        raise ContractError(
            f"{name}: {outside[0]} rows have a {CURSOR} that is NULL or outside of the range {cursor} "
            "that this run read; return it as it came, or use `merge`"
        )


def _require_whole_windows(connection: DuckDBPyConnection, relation: str, *, name: str, window: Interval) -> None:
    """Refuse a window that covers a part of one that is loaded: which rows lie in that part, nothing tells."""
    cut = connection.execute(
        "SELECT min(_dataflow_window_start), max(_dataflow_window_end), "
        "count(DISTINCT (_dataflow_window_start, _dataflow_window_end)) "
        f"FROM {relation} WHERE _dataflow_window_start < {moment(window.end)} "
        f"AND _dataflow_window_end > {moment(window.start)} AND NOT ({_within(window)})"
    ).fetchone()
    if cut is None or not cut[2]:
        return
    loaded = Interval(cut[0], cut[1])
    whole = Interval(min(loaded.start, window.start), max(loaded.end, window.end))
    windows = f"{cut[2]} windows between" if cut[2] > 1 else "the window"
    raise ContractError(
        f"{name}: the window of this run, {window}, covers a part of {windows} {loaded}, whose rows are loaded, and a "
        f"row knows only its window: some would be doubled; run the whole, {whole}, or load by `merge` with a `key`"
    )


def _within(window: Interval) -> str:
    return f"_dataflow_window_start >= {moment(window.start)} AND _dataflow_window_end <= {moment(window.end)}"
