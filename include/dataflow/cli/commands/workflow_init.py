"""``dataflow workflow init``: a new workflow that runs as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dataflow.cli.console import out
from dataflow.settings import Settings

__all__ = ["init_workflow"]


def init_workflow(
    name: Annotated[str, typer.Argument(help="Of the workflow: lower case letters, digits and _.")],
    *,
    source: Annotated[
        str, typer.Option(help="Where its rows come from: api, database, file, python or mock.")
    ] = "file",
    path: Annotated[
        Path | None, typer.Option(help="With --source file: a CSV, JSON, NDJSON or Parquet file; it is copied.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="An API's first page, postgresql://host/database, or a file: s3://, https:// or a path."),
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="With --source database: the table to read, e.g. public.orders.")
    ] = None,
    owner: Annotated[str, typer.Option(help="Who answers for it: a team or a person.")] = "data-team",
) -> None:
    """Make a new workflow: config, modules, three tests and a dbt model with its tests."""
    from dataflow.scaffold.create import create_workflow
    from dataflow.scaffold.database_url import read_database_url
    from dataflow.scaffold.new_workflow import NewWorkflow

    new = NewWorkflow(name=name, kind=source, owner=owner, path=path, url=url, table=table)
    for file in create_workflow(Settings.load(), new):
        out.print(f"created {file}", markup=False)
    if source == "api":
        out.print(
            f"\nCorrect `records`, `pagination` and `columns` in its config.yaml to what {url or 'the API'} gives."
        )
    if source == "database" and url is not None:
        shown = read_database_url(url).shown
        out.print(
            f"\nSay where tasks run, or in .env, who logs in:\n  {name.upper()}_DB_URL={shown}",
            markup=False,
            soft_wrap=True,
        )
        out.print("Correct `table`, `incremental` and `columns` in its config.yaml to what it has.")
    if new.reads_file_elsewhere:
        out.print("\nCorrect `columns` in its config.yaml, and tests/sample, to what the file has.")
    out.print(f"\nTry it:\n  dataflow workflow run {name} --show 5\n  dataflow workflow test {name}", markup=False)
