"""What every connection to the warehouse has in common, whoever opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["CONFIG", "in_utc"]

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""What every opener of a process gives, dbt too: DuckDB shares one handle among equal configurations only."""


def in_utc(connection: DuckDBPyConnection) -> DuckDBPyConnection:
    """Make the session show and read times in UTC; the setting is each connection's own."""
    connection.execute("SET TimeZone = 'UTC'")
    return connection
