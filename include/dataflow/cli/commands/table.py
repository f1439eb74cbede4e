"""``dataflow table``: what was loaded, where a run may not change it."""

from __future__ import annotations

from typing import Annotated

import typer

from dataflow.cli.console import out
from dataflow.cli.project import chosen, open_project

__all__ = ["app"]

app = typer.Typer(help="Change loaded tables.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command("cast")
def cast(
    name: Annotated[str, typer.Argument(help="The workflow.")],
    table: Annotated[str, typer.Argument(help="Its loaded table.")],
    column: Annotated[str, typer.Argument(help="The column.")],
    to: Annotated[str, typer.Argument(metavar="TYPE", help="A DuckDB type, e.g. 'DECIMAL(12,2)'.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; see whether every value fits.")] = False,
) -> None:
    """Give a loaded column another type, as after its type changed in the config; no value may change by it."""
    from dataflow.maintenance.retype import retype

    settings, registry = open_project(only=name)
    done = retype(settings, chosen(registry, name), table, column=column, to=to, dry_run=dry_run)
    if done.before == done.after:
        out.print(f"{done.table}.{done.column} is {done.after} already.", markup=False)
        return
    would = "would be" if dry_run else "is"
    out.print(
        f"{done.table}.{done.column} {would} {done.after} in all {done.rows} rows; it was {done.before}.", markup=False
    )
