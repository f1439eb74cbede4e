"""``dataflow maintenance``: the upkeep by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from dataflow.cli.console import emit
from dataflow.errors import InputError
from dataflow.maintenance.chores import CHORES, do_chore
from dataflow.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Delete what is left over or too old.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command("run")
def run(
    chores: Annotated[
        list[str] | None,
        typer.Argument(help=f"Some of {', '.join(CHORES)}; by default all."),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; print what would be done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Do what the DAG dataflow-maintenance does every day; the DATAFLOW_KEEP_* settings say what is too old."""
    settings = Settings.load()
    names = chores or list(CHORES)
    if unknown := sorted(set(names) - set(CHORES)):
        raise InputError(f"no chore {', '.join(unknown)}; there are {', '.join(CHORES)}")
    rows = [
        {"chore": name, "would be done" if dry_run else "done": line}
        for name in names
        for line in do_chore(name, settings, dry_run=dry_run).told
    ]
    emit(rows, as_json=as_json, empty="Nothing to do.")
