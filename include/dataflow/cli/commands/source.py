"""``dataflow source``: look at where data comes from, before a run does."""

from __future__ import annotations

from typing import Annotated

import typer

from dataflow.cli.console import emit, out, print_json
from dataflow.cli.given import window_in
from dataflow.cli.project import require_workflow
from dataflow.errors import ConfigError
from dataflow.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Look at where data comes from.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep ``sample`` a command of its own, also while it is the only one."""


@app.command("sample")
def sample(
    name: Annotated[str, typer.Argument(help="The workflow.")],
    source: Annotated[str, typer.Argument(help="The source of it.")],
    *,
    write: Annotated[bool, typer.Option("--write", help="Write what is proposed into the config.yaml.")] = False,
    window: Annotated[
        str | None, typer.Option(help="What templates see, a day or start/end; yesterday by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read a first part of a source, and propose columns, types, key and cursor for its config.

    What the config says already stays. A run never guesses: only what is written counts.
    """
    from dataflow.masking import mask_error, masked_logs
    from dataflow.scaffold.config_proposal import propose
    from dataflow.scaffold.source_sample import sample_source

    settings = Settings.load()
    require_workflow(settings, name)
    try:
        with masked_logs():
            found = sample_source(settings, name, source, window=window_in("UTC", window))
    except Exception as error:
        mask_error(error)
        raise
    rows = [{"column": column, "type": kind} for column, kind in found.columns.items()]
    try:
        proposal = propose(settings, name, source, found)
    except ConfigError:
        if not as_json:
            emit(rows, as_json=False, empty="", is_data=True)
        raise
    if write and proposal.diff:
        proposal.file.write_text(proposal.after, encoding="utf-8")
    if as_json:
        seen = {"rows": found.rows, "columns": dict(found.columns), "key": found.key, "cursor": found.cursor}
        print_json({**seen, "diff": proposal.diff, "written": write and bool(proposal.diff)})
        return
    emit(
        rows,
        as_json=False,
        empty="No columns.",
        is_data=True,
        title=f"{source}: {found.rows} rows looked at, key {found.key or 'none'}, cursor {found.cursor or 'none'}",
    )
    out.print(f"\n{proposal.diff}" if proposal.diff else "\nThe config says all of it already.", markup=False)
    if proposal.diff:
        out.print("Written." if write else "Nothing is written; --write does it.", markup=False)
