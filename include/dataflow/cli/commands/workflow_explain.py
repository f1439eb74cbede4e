"""``dataflow workflow explain``: the steps of a workflow and their SQL, without running it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.console import out, print_json
from dataflow.cli.given import window_of
from dataflow.cli.project import chosen, open_project
from dataflow.interval import Interval
from dataflow.settings import Settings
from dataflow.spec.schedule import is_windowed_by_ticks

if TYPE_CHECKING:
    from dataflow.runtime.explain.workflow import ExplainedTask
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["explain_workflow"]


def explain_workflow(
    name: Annotated[str, typer.Argument(help="The workflow.")],
    *,
    window: Annotated[str | None, typer.Option(help="As for `run`; by default the last one that is complete.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the steps of a workflow, and the exact SQL of every check, stage and load."""
    from dataflow.ops.history import existing_history
    from dataflow.runtime.explain.workflow import explain

    _, registry = open_project(only=name)
    workflow = chosen(registry, name)
    tasks = explain(
        workflow,
        window=window_of(workflow.spec, window) or _last_window(workflow.spec),
        history=existing_history(Settings.load().ops),
    )
    if as_json:
        print_json([asdict(task) for task in tasks])
        return
    for task in tasks:
        _print(task)


def _last_window(spec: WorkflowSpec) -> Interval:
    from dataflow.ops.runs import now
    from dataflow.runtime.ticks import last_complete_window

    if is_windowed_by_ticks(spec.schedule):
        return last_complete_window(spec.schedule, now())
    end = now().replace(minute=0, second=0, microsecond=0)
    return Interval(end - timedelta(days=1), end)


def _print(task: ExplainedTask) -> None:
    after = f"  (after {', '.join(task.after)})" if task.after else ""
    out.print(f"[bold]{task.id}[/bold]: ", end="")
    out.print(f"{task.says}{after}", markup=False)
    for part in task.parts:
        out.print(f"  {part.name}" + (f": {part.note}" if part.note else ""), markup=False)
        for statement in part.sql:
            for line in f"{statement};".splitlines():
                out.print(f"    {line}", markup=False)
