"""``dataflow query``: SQL over what a workflow published; it reads snapshots and never meets the lock."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dataflow.cli.console import emit
from dataflow.cli.project import chosen, open_project
from dataflow.errors import InputError
from dataflow.identifiers import literal
from dataflow.queries import single_select
from dataflow.settings import Settings

__all__ = ["query", "read_rows"]


def query(
    name: Annotated[str, typer.Argument(help="The workflow.")],
    sql: Annotated[str, typer.Argument(help="One SELECT over its published tables.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Query the published tables of a workflow."""
    settings = Settings.load()
    if not (settings.published / name).is_dir():
        chosen(open_project(only=name)[1], name)  # a wrong name is told as one
    emit(read_rows(settings, name, sql), as_json=as_json, empty="No rows.", is_data=True)


def read_rows(settings: Settings, name: str, sql: str) -> list[dict[str, Any]]:
    """Run one SELECT over a workflow's published tables.

    Raises:
        InputError: when nothing is published, or DuckDB refuses the query; the text names the tables there are.
    """
    import duckdb

    from dataflow.warehouse.snapshot import current_snapshot

    snapshot = current_snapshot(settings, name)
    if snapshot is None:
        raise InputError(f"{name} has published nothing yet; `dataflow workflow run {name} --live` does")
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    try:
        connection.execute("SET TimeZone='UTC'")
        for table in snapshot.tables:
            connection.read_parquet(str(snapshot.parquet(table)), hive_partitioning=False).create_view(table)
        connection.execute(f"SET allowed_directories=[{literal(str(settings.published))}]")
        connection.execute("SET enable_external_access=false")
        connection.execute("SET lock_configuration=true")
        result = connection.execute(single_select(connection, sql))
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    except ValueError as error:
        raise InputError(f"{error}; published tables are only read") from None
    except duckdb.Error as error:
        raise InputError(f"{error}\nPublished tables of {name}: {', '.join(sorted(snapshot.tables))}") from None
    finally:
        connection.close()
