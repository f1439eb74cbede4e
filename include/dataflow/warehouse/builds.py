"""Which run built a workflow's models last; only that run may publish them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dataflow.warehouse.schemas import BUILDS, create_own_tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["newest", "stamp"]


def stamp(connection: DuckDBPyConnection, workflow: str, run_id: str) -> None:
    """Write that this run is about to build the workflow's models; before each dbt invocation."""
    create_own_tables(connection)
    connection.begin()
    try:
        connection.execute(f"DELETE FROM {BUILDS} WHERE workflow = ?", [workflow])
        connection.execute(f"INSERT INTO {BUILDS} VALUES (?, ?, ?)", [workflow, run_id, datetime.now(UTC)])
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def newest(connection: DuckDBPyConnection, workflow: str) -> tuple[str, datetime] | None:
    """Give the run that stamped last, and when; None when no run ever did."""
    create_own_tables(connection)
    row = connection.execute(
        # As text: reading a TIMESTAMPTZ into Python needs pytz.
        f"SELECT run_id, strftime(began, '%Y-%m-%dT%H:%M:%S.%f') FROM {BUILDS} WHERE workflow = ?",
        [workflow],
    ).fetchone()
    return None if row is None else (row[0], datetime.fromisoformat(row[1]).replace(tzinfo=UTC))
