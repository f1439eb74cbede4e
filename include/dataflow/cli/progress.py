"""A run as it goes on, a line a step: live on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

import typer
from rich.filesize import decimal
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.text import Text

from dataflow.cli.console import out, seconds
from dataflow.loading.workflow import Workflow
from dataflow.runtime.local.run import StepEvent
from dataflow.terminal import visible

__all__ = ["RunProgress"]

MARKS = {"succeeded": "[green]ok[/green]", "failed": "[red]failed[/red]", "skipped": "[yellow]skipped[/yellow]"}


class RunProgress:
    """Shows each step when it ends, and which one is under way; why a run failed is said once, at its end.

    Call it with a run's events.
    """

    def __init__(self, workflow: Workflow, *, quiet: bool = False) -> None:
        self._width = max((len(task.id) for task in workflow.plan.tasks), default=0)
        self._quiet = quiet
        self._live = Live(console=out, transient=True, refresh_per_second=8)

    def __enter__(self) -> Self:
        if not self._quiet and out.is_terminal:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def __call__(self, event: StepEvent) -> None:
        """Show one event."""
        if self._quiet:
            return
        if event.state in ("started", "running"):
            under_way = Text(f" {event.task_id:<{self._width}}  {visible(event.message)}")
            self._live.update(Spinner("dots", text=under_way))
            return
        done = f"{event.rows:>12,} {self._unit(event):<6}" if event.rows is not None and event.state != "failed" else ""
        size = decimal(event.bytes) if event.bytes and done else ""
        message = f"  {escape(event.message)}" if event.message and event.state != "failed" else ""
        took = seconds(event.seconds)
        out.print(f"{event.task_id:<{self._width}}  {MARKS[event.state]:<22} {done:<19} {size:>10}  {took}{message}")

    def ask(self, subject: str) -> bool | None:
        """Put an approval's subject to whoever sits at the terminal; None where nobody does."""
        if self._quiet or not sys.stdin.isatty():
            return None
        self._live.stop()
        try:
            return typer.confirm(subject)
        finally:
            if out.is_terminal:
                self._live.start()

    def _unit(self, event: StepEvent) -> str:
        """The dbt group builds models, every other step handles rows."""
        unit = "model" if event.task_id == "dbt" else "row"
        return unit if event.rows == 1 else f"{unit}s"
