"""An in-memory DuckDB for author SQL, closed to everything but the run's own files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.duckdb_memory import Memory, open_in_memory
from dataflow.errors import FatalError
from dataflow.identifiers import literal, quote
from dataflow.landing.scan import scan_of
from dataflow.queries import relation_sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

__all__ = ["open_scratch"]


def open_scratch(folder: Path, *, memory: Memory, views: Mapping[str, Sequence[str]]) -> duckdb.DuckDBPyConnection:
    """Open a connection that sees the given tables, works in UTC and reaches no other file and no network.

    Its configuration is locked: no SQL can open what this closes. The caller closes the connection; it is a context
    manager.

    Args:
        folder: The task's scratch folder; large results spill into it. Created if absent.
        memory: How much the database may take before it does.
        views: Logical table name to the Parquet files of its rows; ``batch.orders`` is a batch.

    Raises:
        FatalError: when a table has no file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    connection = open_in_memory(memory, spill=folder / "spill")
    try:
        _close_to_the_outside(connection, [folder, *_folders(views)])
        connection.execute("CREATE SCHEMA batch")
        for name, paths in views.items():
            _create_view(connection, name, paths=paths)
        connection.execute("SET lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection


def _folders(views: Mapping[str, Sequence[str]]) -> list[Path]:
    return [Path(path).parent for paths in views.values() for path in paths]


def _close_to_the_outside(connection: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> None:
    allowed = ", ".join(literal(str(each)) for each in sorted({folder.absolute() for folder in folders}))
    connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET enable_external_access = false")


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, *, paths: Sequence[str]) -> None:
    if not paths:
        raise FatalError(f"{name}: no file holds its rows; ingest it again")
    target = relation_sql(name) if "." in name else quote("memory", "main", name)
    connection.execute(f"CREATE VIEW {target} AS SELECT * FROM {scan_of(paths, by_name=True)}")
