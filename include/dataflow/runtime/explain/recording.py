"""A connection that remembers the statements that go through it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from dataflow.identifiers import literal, quote
from dataflow.queries import relation_sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Recorder", "empty_tables", "readable"]

HOUSEKEEPING = re.compile(
    r"DESCRIBE|SELECT (database_name|table_name|type)\b|SELECT count\(\*\) FROM \S+$|CREATE SCHEMA|DROP VIEW|"
    r'CREATE TABLE IF NOT EXISTS "_dataflow"',
    re.IGNORECASE,
)
"""Looking things up and making places: no part of what a step does to rows."""
_MARK = re.compile(r"_dataflow_[0-9a-f]{8}_(\d+)")
"""How the rows of a transform are called between two stages; the middle is another in every run."""


class Recorder:
    """Passes everything on to a connection, and keeps each statement that does something to rows."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection
        self.statements: list[str] = []

    def execute(self, query: Any, *arguments: Any) -> DuckDBPyConnection:
        """Run and remember."""
        text = str(query)
        if not HOUSEKEEPING.match(text.strip()):
            self.statements.append(readable(text.strip()))
        return self._connection.execute(query, *arguments)

    def take(self) -> tuple[str, ...]:
        """Give what was remembered since the last time."""
        taken, self.statements = tuple(self.statements), []
        return taken

    def as_connection(self) -> DuckDBPyConnection:
        """Give itself to functions that run SQL."""
        return cast("DuckDBPyConnection", self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def readable(sql: str) -> str:
    """Name the rows of a transform alike in every run."""
    return _MARK.sub(r"_dataflow_rows_\1", sql)


@contextmanager
def empty_tables(tables: Mapping[str, Mapping[str, str]], *, folder: str = "") -> Iterator[DuckDBPyConnection]:
    """Open a database of tables without rows: names, ``batch.x`` for a batch, to columns and types.

    SQL of authors is bound in it, so it reaches nothing outside but files of the folder.
    """
    import duckdb

    with duckdb.connect(
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    ) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        if folder:
            connection.execute(f"SET allowed_directories = [{literal(folder)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        connection.execute("CREATE SCHEMA batch")
        for name, columns in tables.items():
            listed = ", ".join(f"{quote(column)} {kind}" for column, kind in columns.items())
            connection.execute(f"CREATE TABLE {relation_sql(name)} ({listed})")
        yield connection
