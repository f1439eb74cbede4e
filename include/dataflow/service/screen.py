"""What the supervisor shows: steps with their times, a table of runs, the address and the login."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from dataflow.service.first_runs import FirstRun

__all__ = ["Screen"]

QUIET_SECONDS = 15.0
"""Where lines cannot be redrawn, at most this long passes without one."""
COLOURS = {"success": "green", "running": "cyan", "queued": "cyan", "waiting": "dim"}


class Screen:
    """A terminal, redrawn in place, or a plain log, line by line."""

    def __init__(self, console: Console | None = None) -> None:
        from dataflow.terminal import Terminal

        self.console = console or Terminal()

    def say(self, text: str, style: str = "") -> None:
        """Print text as it is."""
        self.console.print(text, style=style or None, markup=False)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show that something is under way, and then how long it took."""
        began = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(f"{name} ..."):
                yield
        else:
            self.say(f"{name} ...")
            yield
        self.say(f"{name}: ready, {time.monotonic() - began:.0f} s", "green")

    @contextmanager
    def runs(self) -> Iterator[Callable[[Sequence[FirstRun]], None]]:
        """Give the function that shows how far runs have come."""
        if not self.console.is_terminal:
            yield _Lines(self).show
            return
        from rich.live import Live

        with Live(console=self.console, refresh_per_second=4) as live:
            yield lambda runs: live.update(_table(runs))


class _Lines:
    """Runs as lines: one where something changed; all of those under way where nothing did for a while."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._shown: dict[str, tuple[str, int]] = {}
        self._last = time.monotonic()

    def show(self, runs: Sequence[FirstRun]) -> None:
        changed = [run for run in runs if self._shown.get(run.dag_id) != (run.state, run.done)]
        now = time.monotonic()
        if not changed and now - self._last > QUIET_SECONDS:
            changed = [run for run in runs if not run.ended]
        for run in changed:
            self._shown[run.dag_id] = (run.state, run.done)
            self._last = now
            self._screen.say(f"  {run.seconds:4.0f} s  {run.dag_id}: {run.state}{_steps(run)}")


def _steps(run: FirstRun) -> str:
    done = f", {run.done} of {run.total} tasks" if run.total else ""
    return done + (f": {', '.join(run.running[:3])}" if run.running else "")


def _table(runs: Sequence[FirstRun]) -> Table:
    from rich.table import Table as NewTable

    table = NewTable(box=None, pad_edge=False, header_style="bold")
    for heading in ("workflow", "state", "tasks", "time", "now"):
        table.add_column(heading)
    for run in runs:
        colour = COLOURS.get(run.state, "red")
        tasks = f"{run.done}/{run.total}" if run.total else ""
        table.add_row(
            run.dag_id,
            f"[{colour}]{run.state}[/]",
            tasks,
            f"{run.seconds:.0f} s" if run.seconds else "",
            ", ".join(run.running[:3]),
        )
    return table
