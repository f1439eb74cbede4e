"""``dataflow quarantine``: the rows that runs set aside; look at them, and put them back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataflow.cli.console import emit, err, out, print_json
from dataflow.cli.progress import RunProgress
from dataflow.cli.project import chosen, open_project
from dataflow.cli.sandbox import sandbox_of
from dataflow.errors import InputError
from dataflow.ops.history import History, open_history
from dataflow.quarantine.corrections import find_correction, forget_correction, list_corrections
from dataflow.quarantine.records import Quarantined, find_quarantined, list_quarantined
from dataflow.quarantine.same_rows import corrections_of_same_rows
from dataflow.quarantine.showing import FORMATS, read_quarantined, write_quarantined
from dataflow.settings import Settings
from dataflow.spec.sources import VARIANT

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.runtime.quarantine.prospect import Prospect
    from dataflow.runtime.quarantine.replay import Replayed

__all__ = ["app"]

app = typer.Typer(help="Rows that runs set aside: look at them, and put them back.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Sandbox = Annotated[
    str | None, typer.Option(help="Of this workflow's sandbox, where `workflow run` without --live ran.")
]
REPLAY_FAILED = 2
FAILED_AGAIN = 1
"""The replay went through, and some of the rows are as bad as before."""
SHOWN = ("id", "workflow", "table", "rows", "rules", "state", "quarantined", "run")


@app.command("list")
def list_all(
    workflow: Annotated[str | None, typer.Argument(help="Only this workflow's.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also what was replayed, or read again since.")] = False,
    sandbox: Sandbox = None,
    as_json: AsJson = False,
) -> None:
    """List what waits in quarantine, the newest first."""
    _, history = _opened(sandbox)
    _require_known(workflow, history)
    found = list_quarantined(history, workflow=workflow or sandbox, only_open=not every)
    prospects = _prospects(history, found)
    rows = [_row(each, prospects[each.id]) for each in found]
    shown = rows if as_json else [{key: row[key] for key in SHOWN} for row in rows]
    emit(shown, as_json=as_json, empty="Nothing waits in quarantine.")
    for each in () if as_json else found:
        if each.is_open and prospects[each.id].told:
            out.print(f"{each.id}: {prospects[each.id].told}", markup=False)


@app.command("show")
def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="As `list` shows it.")],
    *,
    limit: Annotated[int, typer.Option(help="At most so many rows.")] = 10,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show sensitive columns, too.")] = False,
    write: Annotated[
        Path | None,
        typer.Option(help="Write all rows to this .csv, .ndjson or .parquet file, to correct them there."),
    ] = None,
    sandbox: Sandbox = None,
    as_json: AsJson = False,
) -> None:
    """Show the rows of one record, with what refused them."""
    settings, history = _opened(sandbox)
    record = find_quarantined(history, number)
    hidden = frozenset() if reveal else _sensitive(record)
    if write is not None:
        hidden_there = write_quarantined(record, write, scratch=settings.scratch, without=hidden)
        left_out = f", without {', '.join(hidden_there)}: what is not there stays as it is" if hidden_there else ""
        out.print(f"wrote {_rows(record.rows)} to {write}{left_out}", markup=False)
        return
    rows = read_quarantined(record, limit=limit, scratch=settings.scratch, masked=hidden)
    prospect = _prospects(history, [record])[record.id]
    if as_json:
        print_json({**_row(record, prospect), "reasons": record.reasons, "data": rows})
        return
    for rule, each in record.reasons.items():
        out.print(f"{rule}: {each['reason']} ({_rows(each['rows'])})", markup=False)
    emit(rows, as_json=False, empty="", is_data=True)
    if record.rows > len(rows):
        out.print(f"... and {record.rows - len(rows)} more; --limit shows them, --write FILE writes them all")
    if prospect.told:
        out.print(prospect.told, markup=False)


@app.command("replay")
def replay_rows(
    what: Annotated[str, typer.Argument(metavar="ID|WORKFLOW", help="One record, or all that waits of a workflow.")],
    *,
    corrected: Annotated[
        Path | None, typer.Option(help="Corrected rows of this record, as `show ID --write FILE` gave them.")
    ] = None,
    sandbox: Sandbox = None,
    as_json: AsJson = False,
) -> None:
    """Judge rows again, or corrected ones, and lead those that pass through the same steps as their run's.

    On the real data, beside a running Airflow; each row comes back once, however often this is called. The exit code is
    0, 1 where rows failed again, or 2 if the replay failed.
    """
    from dataflow.runtime.quarantine.replay import replay

    settings, history = _opened(sandbox)
    records = [find_quarantined(history, int(what))] if what.isdecimal() else []
    name = records[0].key.workflow if records else what
    _, registry = open_project(only=name)
    workflow = chosen(registry, name)
    if corrected is not None and not records:
        raise InputError(
            f"--corrected goes with the ID of one record, not with {what}: each has rows of its own; "
            f"`dataflow quarantine list {what}` shows the IDs"
        )
    if corrected is not None and not corrected.is_file():
        raise InputError(f"--corrected {corrected}: there is no such file")
    if corrected is not None and corrected.suffix.lower() not in FORMATS:
        raise InputError(f"--corrected {corrected}: corrected rows come in a file that ends in {', '.join(FORMATS)}")
    records = records or list_quarantined(history, workflow=name)
    with RunProgress(workflow, quiet=as_json) as progress:
        done = replay(workflow, records, settings=settings, corrected=corrected, progress=progress, ask=progress.ask)
    if as_json:
        print_json([_told(each) for each in done])
    else:
        _print(name, done, records)
        _print_refused(history, name, done)
    if any(each.result is not None and each.result.status == "failed" for each in done):
        raise typer.Exit(REPLAY_FAILED)
    if any(each.failed for each in done):
        raise typer.Exit(FAILED_AGAIN)


@app.command("corrections")
def corrections(
    workflow: Annotated[str | None, typer.Argument(help="Only this workflow's.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that are forgotten.")] = False,
    sandbox: Sandbox = None,
    as_json: AsJson = False,
) -> None:
    """List the corrections that are made again, unasked, whenever a run reads the very same bad row."""
    _, history = _opened(sandbox)
    _require_known(workflow, history)
    found = list_corrections(history, workflow=workflow or sandbox, with_forgotten=every)
    rows = [
        {
            "id": each.id,
            "workflow": each.workflow,
            "table": each.table,
            "rows": each.rows,
            "of_quarantine": each.quarantine_id,
            "made": each.made_at,
            "last_used": each.used_at,
            "used_by": each.used_by,
            **({"forgotten": each.forgotten_at} if every else {}),
        }
        for each in found
    ]
    emit(rows, as_json=as_json, empty="No correction is kept.")


@app.command("forget")
def forget(
    number: Annotated[int, typer.Argument(metavar="ID", help="As `corrections` shows it.")],
    *,
    sandbox: Sandbox = None,
) -> None:
    """Make a correction no longer: the next run that reads such a row sets it aside again.

    Where another correction knows the same row, that one is made in its place, and named here.
    """
    settings, history = _opened(sandbox)
    found = find_correction(history, number)
    if found.forgotten_at is not None:
        out.print(f"{number} is forgotten already", markup=False)
        return
    forget_correction(history, number)
    others = [str(each.id) for each in corrections_of_same_rows(history, found, settings=settings)]
    unless = f", unless another correction knows it ({', '.join(others)}): forget that, too" if others else ""
    out.print(
        f"{number} is forgotten: the next run that reads such a row of {found.workflow}.{found.table} sets it aside "
        f"again{unless}; what is loaded stays until then",
        markup=False,
    )


def _print(workflow: str, done: list[Replayed], records: list[Quarantined]) -> None:
    for record in records:
        if record.replayed_by:
            out.print(f"{record.id} was replayed already, by {record.replayed_by}", markup=False)
        elif record.superseded_by:
            out.print(f"{record.id} is over: {record.superseded_by} judged its rows anew", markup=False)
    for each in done:
        which = f"{each.table} of run {each.of_run}"
        if each.result is None:
            out.print(f"{which}: {each.reason}", markup=False)
        elif each.result.status == "failed":
            err.print(
                f"{which}: {each.result.failed_step} failed: {each.result.error}; once that is mended, replay again",
                markup=False,
            )
        else:
            again = f", {each.failed} failed again: `dataflow quarantine list {workflow}`" if each.failed else ""
            out.print(f"{which}: {_rows(each.passed)} replayed{again}, run {each.result.run_id}", markup=False)
    if not done and not records:
        out.print("Nothing waits in quarantine.")


def _print_refused(history: History, workflow: str, done: list[Replayed]) -> None:
    """Say of the rows that failed again where they lie, and why."""
    replayed = {number for each in done if each.failed for number in each.records}
    for record in list_quarantined(history, workflow=workflow) if replayed else ():
        if record.from_id in replayed:
            for rule, each in record.reasons.items():
                err.print(f"{record.id}: {rule}: {each['reason']} ({_rows(each['rows'])})", markup=False)


def _told(each: Replayed) -> dict[str, Any]:
    result = each.result
    return {
        "table": each.table,
        "of_run": each.of_run,
        "records": list(each.records),
        "replayed": each.passed,
        "failed_again": each.failed,
        "status": "nothing to do" if result is None else result.status,
        "run": None if result is None else result.run_id,
        "reason": each.reason if result is None else result.error,
    }


def _opened(sandbox: str | None) -> tuple[Settings, History]:
    settings = Settings.load()
    if sandbox is not None:
        _, registry = open_project(only=sandbox)
        settings = sandbox_of(settings, chosen(registry, sandbox), keep=True)
    return settings, open_history(settings.ops)


def _require_known(workflow: str | None, history: History) -> None:
    """See that the workflow is there, or once was: its rows and corrections outlive it."""
    if workflow is None or list_quarantined(history, workflow=workflow, only_open=False):
        return
    if not list_corrections(history, workflow=workflow, with_forgotten=True):
        chosen(open_project(only=workflow)[1], workflow)


def _prospects(history: History, records: list[Quarantined]) -> dict[int, Prospect]:
    """Give for each record, by its id, what a replay would do with it."""
    from dataflow.runtime.quarantine.prospect import prospects_of

    names = {record.key.workflow for record in records if record.is_open}
    specs = {name: each.spec for name in names if (each := _workflow(name)) is not None}
    return prospects_of(history, records, specs=specs)


def _row(record: Quarantined, prospect: Prospect) -> dict[str, Any]:
    return {
        "id": record.id,
        "workflow": record.key.workflow,
        "table": record.key.table,
        "rows": record.rows,
        "rules": list(record.rules),
        "stage": record.key.stage,
        "state": prospect.state,
        "run": record.key.run_id,
        "window_start": record.key.window.start,
        "window_end": record.key.window.end,
        "quarantined": record.quarantined_at,
        "replayed_by": record.replayed_by,
        "told": prospect.told,
    }


def _rows(number: int) -> str:
    return f"{number} row" if number == 1 else f"{number} rows"


def _sensitive(record: Quarantined) -> frozenset[str]:
    """Give the columns that nobody sees unasked: those that are declared so; all, where the workflow is not there."""
    workflow = _workflow(record.key.workflow)
    if workflow is None or record.key.table not in workflow.spec.sources:
        return frozenset({"*"})
    columns = workflow.spec.sources[record.key.table].columns
    return frozenset(name + end for name, column in columns.items() if column.sensitive for end in ("", VARIANT))


def _workflow(name: str) -> Workflow | None:
    _, registry = open_project(only=name)
    return registry.workflows.get(name)
