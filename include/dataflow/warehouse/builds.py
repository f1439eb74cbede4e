"""Which run built a workflow's models last; only that run may publish them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dataflow.identifiers import literal, moment
from dataflow.warehouse.schemas import BUILDS, OWN_SCHEMA, create_own_tables, tables_in
from dataflow.warehouse.transaction import transact

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["newest", "stamp"]


def stamp(connection: DuckDBPyConnection, workflow: str, run_id: str) -> None:
    """Write that this run is about to build the workflow's models; before each dbt invocation.

    Nothing is deleted: on a DuckLake two workflows that do contradict each other. No stamp is as old as the one before
    it, though two machines' clocks may say so.
    """

    def write() -> None:
        create_own_tables(connection)
        connection.execute(
            f"INSERT INTO {BUILDS} SELECT {literal(workflow)}, {literal(run_id)}, "
            f"greatest({moment(datetime.now(UTC))}, max(began) + INTERVAL 1 MICROSECOND) "
            f"FROM {BUILDS} WHERE workflow = {literal(workflow)}"
        )

    transact(connection, write)


def newest(connection: DuckDBPyConnection, workflow: str) -> tuple[str, datetime] | None:
    """Give the run that stamped last, and when; None when no run ever did."""
    if "builds" not in tables_in(connection, OWN_SCHEMA):
        return None
    row = connection.execute(
        # As text: reading a TIMESTAMPTZ into Python needs pytz.
        f"SELECT run_id, strftime(began, '%Y-%m-%dT%H:%M:%S.%f') FROM {BUILDS} "
        f"WHERE workflow = {literal(workflow)} ORDER BY began DESC LIMIT 1"
    ).fetchone()
    return None if row is None else (row[0], datetime.fromisoformat(row[1]).replace(tzinfo=UTC))
