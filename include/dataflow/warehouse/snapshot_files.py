"""Writing the files of a snapshot in little memory, whatever the number of rows.

DuckDB keeps the blocks that it read until its bound is used up, the warehouse's and the copy's. So while rows are only
copied, a task of few threads does it with one and a smaller bound, so that by default its memory does not grow with its
rows. Whoever gives a task more than 1 GB wants it to be quick: all of its threads copy, in all of its memory.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.duckdb_memory import Memory
from dataflow.identifiers import literal, quote
from dataflow.warehouse.columns import columns_of, columns_of_query, is_own_column, parquet_select

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["write_files"]

OF_ONE_THREAD = 64_000_000
"""Bytes in which a thread copies rows that are not too wide; half of what DuckDB asks for."""
FEW_THREADS = 4
"""As many as a task has at most by default, at 250MB each."""
PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
GROUP_OF_WIDE_ROWS = "8MB"


def write_files(
    connection: DuckDBPyConnection, relations: Mapping[str, str], *, database: Path, memory: Memory
) -> dict[str, Any]:
    """Write tables and views into a DuckDB file, and each to ``<name>.parquet`` beside it, all as of one moment.

    Rows keep their order. Columns of ours are left out.

    Args:
        connection: To the warehouse, with no transaction begun; nobody else works with its database meanwhile.
        relations: What to copy, as SQL says it, by the name of the copy.
        database: The DuckDB file, which is not there yet.
        memory: What the database may take otherwise, and has again in the end. Views are computed in it, and rows that
            are too wide for less are copied in it.

    Returns:
        Each table's ``rows``, and its ``columns`` as its Parquet has them.
    """
    import duckdb

    try:
        return _write(connection, relations, database=database, memory=memory)
    except duckdb.OutOfMemoryException:
        database.unlink(missing_ok=True)
        with _one_row_after_the_other(connection):
            return _write(connection, relations, database=database, memory=memory, of_wide_rows=True)


def _write(
    connection: DuckDBPyConnection,
    relations: Mapping[str, str],
    *,
    database: Path,
    memory: Memory,
    of_wide_rows: bool = False,
) -> dict[str, Any]:
    """Write it all, from the DuckDB file to Parquet, so that a view is computed once."""
    import duckdb

    attached = f"_dataflow_snapshot_{uuid.uuid4().hex[:8]}"  # others may share the handle
    copies = {name: quote(attached, "main", name) for name in relations}
    form = PARQUET + (f", ROW_GROUP_SIZE_BYTES '{GROUP_OF_WIDE_ROWS}'" if of_wide_rows else "")
    threads = _threads(connection)
    connection.execute(f"ATTACH {literal(str(database))} AS {quote(attached)}")
    try:
        connection.begin()
        views = _views(connection)
        for name, relation in relations.items():
            if relation in views:
                _create(connection, copies[name], relation=relation)
        if not of_wide_rows and threads <= FEW_THREADS:
            connection.execute("SET threads = 1")
            _bound_to(connection, OF_ONE_THREAD)
        for name, relation in relations.items():
            if relation not in views:
                _create(connection, copies[name], relation=relation)
        described = {
            name: _copy_to_parquet(connection, copy, file=database.with_name(f"{name}.parquet"), form=form)
            for name, copy in copies.items()
        }
        connection.commit()
        connection.execute(f"CHECKPOINT {quote(attached)}")
    except BaseException:
        with suppress(duckdb.Error):
            connection.rollback()
        raise
    finally:
        _bound_to(connection, memory)
        connection.execute(f"SET threads = {threads}")
        connection.execute(f"DETACH {quote(attached)}")
    return described


@contextmanager
def _one_row_after_the_other(connection: DuckDBPyConnection) -> Iterator[None]:
    """Let rows pass without being gathered for their order's sake; a single thread keeps it."""
    threads = _threads(connection)
    connection.execute("SET threads = 1")
    connection.execute("SET preserve_insertion_order = false")
    try:
        yield
    finally:
        connection.execute("SET preserve_insertion_order = true")
        connection.execute(f"SET threads = {threads}")


def _create(connection: DuckDBPyConnection, copy: str, *, relation: str) -> None:
    columns = [quote(column) for column in columns_of(connection, relation) if not is_own_column(column)]
    connection.execute(f"CREATE TABLE {copy} AS SELECT {', '.join(columns)} FROM {relation}")


def _copy_to_parquet(connection: DuckDBPyConnection, relation: str, *, file: Path, form: str) -> dict[str, Any]:
    selected = parquet_select(columns_of(connection, relation))
    written = connection.execute(
        f"COPY (SELECT {selected} FROM {relation}) TO {literal(str(file))} ({form})"
    ).fetchone()
    columns = columns_of_query(
        connection, f"SELECT * FROM read_parquet({literal(str(file))}, hive_partitioning = false)"
    )
    return {"rows": written[0] if written else 0, "columns": columns}


def _views(connection: DuckDBPyConnection) -> set[str]:
    """Give the warehouse's views, as SQL says them."""
    rows = connection.execute(
        "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = current_database()"
    ).fetchall()
    return {quote(schema, view) for schema, view in rows}


def _threads(connection: DuckDBPyConnection) -> int:
    row = connection.execute("SELECT current_setting('threads')").fetchone()
    return int(row[0]) if row else 1


def _bound_to(connection: DuckDBPyConnection, size: int) -> None:
    connection.execute(f"SET memory_limit = '{int(size)}B'")
