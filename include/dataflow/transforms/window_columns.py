"""The columns that say which run and window a row came with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.identifiers import literal, quote
from dataflow.queries import columns_of, relation_sql

if TYPE_CHECKING:
    import duckdb

    from dataflow.interval import Interval

__all__ = ["ensure_window_columns"]


def ensure_window_columns(
    connection: duckdb.DuckDBPyConnection, relation: str, *, run_id: str, window: Interval
) -> str:
    """Give a relation whose rows all name this run and its window; `_dataflow_cursor` stays as it is, or absent.

    Rows that lost the columns (an aggregate, a function) get them. Rows that took another run's from a loaded table
    get this run's too: what a run loads is what its rerun must replace.
    """
    ours = {
        "_dataflow_run": literal(run_id),
        "_dataflow_window_start": f"CAST({literal(window.start.isoformat())} AS TIMESTAMPTZ)",
        "_dataflow_window_end": f"CAST({literal(window.end.isoformat())} AS TIMESTAMPTZ)",
    }
    existing = columns_of(connection, relation)
    kept = [quote(column) for column in existing if column.lower() not in ours]
    stamps = [f"{value} AS {quote(name)}" for name, value in ours.items()]
    stamped = f"{relation.replace('.', '_')}_stamped"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote(stamped)} AS "
        f"SELECT {', '.join([*kept, *stamps])} FROM {relation_sql(relation)}"
    )
    return stamped
