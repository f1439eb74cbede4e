"""``dataflow runs``: run history, as the tasks wrote it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from dataflow.cli.console import emit, moment, out, print_json, seconds
from dataflow.ops.history import open_history
from dataflow.ops.reading import RunStory, list_runs, read_run
from dataflow.ops.runs import RunRecord
from dataflow.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Look at what ran.", no_args_is_help=True)

Workflow = Annotated[str | None, typer.Option("--workflow", "-w", help="Only this workflow's runs.")]
CHECK_COLUMNS = ("table_name", "name", "status", "failures", "rows", "message")
ANOMALY_COLUMNS = ("detected_at", "severity", "category", "task_id", "message")
FIRST_TO_GO = ("kind", "window_end", "ended", "window_start", "began", "status")
"""Columns of the list that a narrow terminal does without, in this order; `show` has them."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_all(
    *,
    workflow: Workflow = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first."""
    history = open_history(Settings.load().ops)
    rows = [_row(run) for run in list_runs(history, workflow=workflow, limit=limit)]
    emit(rows, as_json=as_json, empty="No runs yet.", whole=("workflow", "run"), first_to_go=FIRST_TO_GO)


@app.command("show")
def show(
    run: Annotated[str, typer.Argument(help="The run's id.")],
    *,
    workflow: Workflow = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: its stages with rows and times, its checks, its anomalies."""
    story = read_run(open_history(Settings.load().ops), run, workflow=workflow)
    if as_json:
        print_json(asdict(story))
    else:
        _print(story)


def _row(run: RunRecord) -> dict[str, Any]:
    return {
        "workflow": run.workflow,
        "run": run.run_id,
        "kind": run.kind,
        "status": run.status,
        "window_start": run.window.start if run.window else None,
        "window_end": run.window.end if run.window else None,
        "began": run.created_at,
        "ended": run.ended_at,
    }


def _print(story: RunStory) -> None:
    run = story.run
    out.print(f"[bold]{run.workflow}[/bold] {escape(run.run_id)}: {run.status}")
    if run.reason:
        out.print(run.reason, markup=False)
    if run.window:
        out.print(f"window {moment(run.window.start)} to {moment(run.window.end)} UTC, by {run.window_from}")
    for source, span in run.ranges.items():
        out.print(f"{source} reads {moment(span.start)} to {moment(span.end)} UTC")
    out.print()
    stages = [
        {
            "stage": stage.stage,
            "task": stage.task_id,
            "try": stage.try_number,
            "state": stage.state,
            "rows": stage.rows_out,
            "took": seconds(stage.seconds) if stage.seconds is not None else "",
            "message": stage.message,
        }
        for stage in story.stages
    ]
    emit(stages, as_json=False, empty="No stages.")
    for rows, shown in ((story.checks, CHECK_COLUMNS), (story.anomalies, ANOMALY_COLUMNS)):
        if rows:
            out.print()
            emit([{key: row[key] for key in shown} for row in rows], as_json=False, empty="")
