"""``dataflow workflow``: list workflows, and run one here."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataflow.cli.console import emit, err, only_json, out, print_json, seconds
from dataflow.cli.failing_rows import FailingRows
from dataflow.cli.given import param_values, window_of
from dataflow.cli.progress import RunProgress
from dataflow.cli.project import broken_workflows, chosen, open_project
from dataflow.cli.remote import run_in_airflow
from dataflow.cli.sandbox import sandbox_of
from dataflow.errors import ConfigError, InputError
from dataflow.loading.workflow import Workflow
from dataflow.settings import Settings
from dataflow.spec.schedule_text import schedule_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.interval import Interval
    from dataflow.runtime.local.resume import Earlier

__all__ = ["app"]

app = typer.Typer(help="Work with workflows.", no_args_is_help=True)

RUN_FAILED = 2


@app.command("list")
def list_workflows(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List every workflow: schedule, owner, sources, state, last run, problems."""
    settings, registry = open_project()
    last = _last_runs(settings)
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "schedule": schedule_text(workflow.spec.schedule),
            "owner": workflow.spec.owner,
            "sources": list(workflow.spec.sources),
            "models": len(workflow.models),
            "state": "healthy",
            "last_run": last.get(name, "never"),
            "problems": sum(problem.path.startswith(f"include/workflows/{name}/") for problem in registry.problems),
        }
        for name, workflow in registry.workflows.items()
    ]
    broken = broken_workflows(registry)
    rows += [
        dict.fromkeys(["name", "schedule", "owner", "sources", "models", "state", "last_run", "problems"], "")
        | {"name": name, "sources": [], "models": 0, "state": "broken", "last_run": last.get(name, "never")}
        | {"problems": count}
        for name, count in broken.items()
    ]
    emit(sorted(rows, key=lambda row: str(row["name"])), as_json=as_json, empty="No workflows yet.")
    if broken and not as_json:
        err.print(f"\n{len(broken)} broken: `dataflow config validate` says what and where.", markup=False)


@app.command("run")
def run(
    name: Annotated[str, typer.Argument(help="The workflow.")],
    *,
    live: Annotated[bool, typer.Option("--live", help="On the real data, beside a running Airflow.")] = False,
    remote: Annotated[bool, typer.Option("--remote", help="On a running Airflow; see DATAFLOW_AIRFLOW_URL.")] = False,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="name=value; may be repeated.")] = None,
    window: Annotated[
        str | None, typer.Option(help="A day, or start/end: 2025-01-01 or 2025-01-01/2025-02-01.")
    ] = None,
    from_step: Annotated[
        str | None, typer.Option(help="Go on with the last run here from this step, by task id or kind.")
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="Show so many rows of each published table.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a workflow here: in a private sandbox beside the real data, or with --live on the real data."""
    from dataflow.runtime.local.run import run_workflow

    settings, registry = open_project(only=name)
    workflow = chosen(registry, name)
    params, span = param_values(workflow.spec, param or []), window_of(workflow.spec, window)
    if remote:
        if live or from_step is not None or show:
            raise InputError("--remote runs in Airflow, on the real data: it goes with --param and --json alone")
        raise typer.Exit(run_in_airflow(settings, workflow, params=params, window=span, as_json=as_json))
    _compile(settings, workflow)
    here = settings if live else sandbox_of(settings, workflow, keep=from_step is not None)
    _prepare(here, workflow.name)
    earlier = None
    if from_step is not None:
        earlier = _earlier(here, workflow, step=from_step, window=span, quiet=as_json)
    refused = FailingRows()
    with RunProgress(workflow, quiet=as_json) as progress, _stoppable(name), only_json() if as_json else nullcontext():
        result = run_workflow(
            workflow,
            settings=here,
            params=params,
            window=None if earlier else span,
            progress=progress,
            ask=progress.ask,
            must_be_there=live,
            earlier=earlier,
            judged=None if live else refused,
        )
    if not as_json:
        refused.show()
    if as_json:
        shown = {field: getattr(result, field) for field in result.__slots__}
        print_json(shown if live else shown | {"failing_rows": refused.rows()})
    elif result.status == "success":
        where = "" if live else " in its sandbox"
        out.print(f"{name} succeeded{where} in {seconds(result.duration_seconds)}, run {result.run_id}")
        _tell_of_quarantine(here, name, run_id=result.run_id, live=live)
        _show(here, name, show)
    else:
        step = f" at {result.failed_step}" if result.failed_step else ""
        err.print(f"{name} {result.status}{step}: {result.error or 'no reason is known'}", markup=False)
    if result.status == "failed":
        raise typer.Exit(RUN_FAILED)


@contextmanager
def _stoppable(name: str) -> Iterator[None]:
    """Say which run it was that Ctrl-C ended."""
    try:
        yield
    except KeyboardInterrupt as stop:
        err.print("\n" + "; ".join([f"{name} was stopped by hand", *getattr(stop, "__notes__", [])]), markup=False)
        raise


def _earlier(settings: Settings, workflow: Workflow, *, step: str, window: Interval | None, quiet: bool) -> Earlier:
    """Find the run to go on with, and say which it is."""
    from dataflow.ops.history import open_history
    from dataflow.runtime.local.resume import resume_from

    earlier = resume_from(open_history(settings.ops), workflow, step=step, window=window)
    if not quiet:
        kept = ", ".join(earlier.outputs) or "nothing"
        out.print(f"going on with run {earlier.run_id}; kept: {kept}", markup=False)
    return earlier


def _compile(settings: Settings, workflow: Workflow) -> None:
    """Bring the dbt models up to date; one that does not compile is told before anything is read or loaded."""
    if not workflow.models:
        return
    from dataflow.modelling.compile import compile_models

    with err.status("Compiling the dbt models ..."):
        problems = compile_models(settings, [workflow])
    if problems:
        raise ConfigError(problems)


def _prepare(settings: Settings, name: str) -> None:
    from dataflow.ops.history import open_history
    from dataflow.warehouse.create import create_warehouse

    open_history(settings.ops).create()
    create_warehouse(settings, [name])


def _tell_of_quarantine(settings: Settings, name: str, *, run_id: str, live: bool) -> None:
    from dataflow.ops.history import open_history
    from dataflow.quarantine.records import count_open

    rows = count_open(open_history(settings.ops), name, run_id=run_id)
    if rows:
        where = f"dataflow quarantine list {name}" if live else f"dataflow quarantine list --sandbox {name}"
        out.print(f"{rows} row{'s' if rows > 1 else ''} in quarantine: {where}", markup=False)


def _show(settings: Settings, name: str, rows: int) -> None:
    from dataflow.cli.commands.query import read_rows
    from dataflow.warehouse.snapshot import current_snapshot

    snapshot = current_snapshot(settings, name)
    if snapshot is None or not rows:
        return
    for table in snapshot.tables:
        emit(
            read_rows(settings, name, f'select * from "{table}" limit {rows}'),
            as_json=False,
            empty=f"{table} has no rows.",
            title=f"\n{table}",
            is_data=True,
        )


def _last_runs(settings: Settings) -> dict[str, str]:
    from dataflow.ops.history import open_history
    from dataflow.ops.reading import list_runs

    history = open_history(settings.ops)
    if not history.is_created():
        return {}
    last: dict[str, str] = {}
    for record in list_runs(history, limit=5_000):
        last.setdefault(record.workflow, f"{record.status} {record.created_at:%Y-%m-%d %H:%M}")
    return last
