"""``dataflow query``: SQL over what a workflow published; it reads snapshots and never meets the lock."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataflow.cli.console import emit
from dataflow.cli.plain_rows import plain_rows
from dataflow.cli.project import chosen, open_project
from dataflow.errors import InputError
from dataflow.identifiers import literal
from dataflow.queries import single_select
from dataflow.settings import Settings

if TYPE_CHECKING:
    from dataflow.warehouse.snapshot import Snapshot

__all__ = ["query", "read_rows"]


def query(
    name: Annotated[str, typer.Argument(help="The workflow.")],
    sql: Annotated[str, typer.Argument(help="One SELECT over its published tables.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Query the published tables of a workflow."""
    from dataflow.warehouse.snapshot import current_snapshot

    settings = Settings.load()
    if current_snapshot(settings, name) is None:
        chosen(open_project(only=name)[1], name)  # a wrong name is told as one
    emit(read_rows(settings, name, sql), as_json=as_json, empty="No rows.", is_data=True)


def read_rows(settings: Settings, name: str, sql: str) -> list[dict[str, Any]]:
    """Run one SELECT over a workflow's published tables, and give its rows as `plain_rows` does.

    Raises:
        InputError: when nothing is published, or DuckDB refuses the query; the text names the tables there are.
    """
    import duckdb

    from dataflow.warehouse.snapshot import current_snapshot

    snapshot = current_snapshot(settings, name)
    if snapshot is None:
        raise InputError(f"{name} has published nothing yet; `dataflow workflow run {name} --live` does")
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    copies = TemporaryDirectory(prefix="dataflow-query-", ignore_cleanup_errors=True)
    try:
        connection.execute("SET TimeZone='UTC'")
        for table in _at_hand(snapshot, sql):
            file = snapshot.fetch(table, into=Path(copies.name))
            connection.read_parquet(str(file), hive_partitioning=False).create_view(table)
        readable = ", ".join(literal(str(folder)) for folder in (snapshot.folder, copies.name))
        connection.execute(f"SET allowed_directories=[{readable}]")
        connection.execute("SET enable_external_access=false")
        connection.execute("SET lock_configuration=true")
        return plain_rows(connection, single_select(connection, sql))
    except ValueError as error:
        raise InputError(f"{error}; published tables are only read") from None
    except duckdb.Error as error:
        raise InputError(f"{error}\nPublished tables of {name}: {', '.join(sorted(snapshot.tables))}") from None
    finally:
        connection.close()
        copies.cleanup()


def _at_hand(snapshot: Snapshot, sql: str) -> list[str]:
    """Give the tables that the query may name; of those in S3, which must be fetched, the ones whose name is in it."""
    if isinstance(snapshot.place, Path):
        return list(snapshot.tables)
    return [table for table in snapshot.tables if re.search(rf"\b{re.escape(table)}\b", sql, re.IGNORECASE)]
