"""Where things lie in the warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dataflow.identifiers import literal, quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = [
    "BUILDS",
    "LOADS",
    "OWN_SCHEMA",
    "STAGING",
    "create_own_tables",
    "model_schema",
    "owner_of",
    "staging_schema",
    "tables_in",
    "turn_of_table",
]

STAGING = "staging_"
"""How the schemas of loaded tables begin, and no workflow's name."""
OWN_SCHEMA = "_dataflow"
"""Of what we keep for ourselves."""
BUILDS = quote(OWN_SCHEMA, "builds")
"""Every dbt invocation; the newest of each workflow is kept."""
LOADS = quote(OWN_SCHEMA, "loads")
"""Every `replace` of each table; the one of the latest window is kept."""


def staging_schema(workflow: str) -> str:
    """Give the schema of a workflow's loaded tables."""
    return f"{STAGING}{workflow}"


def model_schema(workflow: str) -> str:
    """Give the schema of a workflow's dbt models."""
    return workflow


def owner_of(schema: str, workflows: Iterable[str]) -> str:
    """Give the workflow of a schema, ``shop`` or ``shop_...``: of several the longest name; else an empty one."""
    owners = [name for name in workflows if f"{schema.lower()}_".startswith(f"{model_schema(name)}_")]
    return max(owners, key=len, default="")


def turn_of_table(schema: str, table: str) -> str:
    """Give the turn in which a table of a DuckLake is written: ``shop.orders`` of a loaded one, ``shop`` of models."""
    return f"{schema.removeprefix(STAGING)}.{table}" if schema.startswith(STAGING) else schema


def create_own_tables(connection: DuckDBPyConnection) -> None:
    """Make the tables that we keep for ourselves, where they are not there."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(OWN_SCHEMA)}")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {BUILDS} (workflow VARCHAR, run_id VARCHAR, began TIMESTAMP WITH TIME ZONE)"
    )
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {LOADS} (workflow VARCHAR, table_name VARCHAR, run_id VARCHAR, "
        "window_start TIMESTAMP WITH TIME ZONE, window_end TIMESTAMP WITH TIME ZONE)"
    )


def tables_in(connection: DuckDBPyConnection, schema: str) -> dict[str, str]:
    """Give the tables and views of a schema: each name in lower case, and as it is written."""
    rows = connection.execute(
        "SELECT table_name FROM information_schema.tables "
        f"WHERE table_catalog = current_database() AND table_schema = {literal(schema)} ORDER BY table_name"
    ).fetchall()
    return {name.lower(): name for (name,) in rows}
