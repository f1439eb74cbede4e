"""Runs of a workflow in processes of their own, which may be killed, forked from one that has all of it imported."""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.runtime.local.resume import Earlier
    from dataflow.runtime.local.run import StepEvent
    from dataflow.settings import Settings

__all__ = ["ChildRun", "Ended"]

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    ["dataflow.runtime.local.run", "dataflow.runtime.local.resume", "dbt.cli.main", "boto3", "psycopg2"]
)


@dataclass(frozen=True)
class Ended:
    """How a process with a run in it ended."""

    status: str
    """That of the run; ``killed`` where the process was."""
    error: str = ""
    kind: str = ""
    """The class of the error that a task failed with."""


class ChildRun:
    """A run of ``shop`` on one day in a process of its own; it goes on with the day's run, beginning with that step."""

    def __init__(self, root: Path, environment: Mapping[str, str], *, day: int, step: str = "") -> None:
        inherited = {
            name: value for name, value in os.environ.items() if name.startswith(("AIRFLOW_CONN_", "DATAFLOW_"))
        }
        self._told, tells = _processes.Pipe(duplex=False)
        self._doing = root / ".dataflow" / "doing"
        self._doing.parent.mkdir(exist_ok=True)
        self._doing.write_text(step)
        arguments = (root, inherited | dict(environment), day, step, self._doing, tells)
        self._process = _processes.Process(target=_run, args=arguments)
        self._process.start()
        tells.close()

    @property
    def now(self) -> str:
        """The task that it is in, or was in when it ended."""
        return self._doing.read_text()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def wait(self, seconds: float = 120) -> Ended:
        """Give how it ended."""
        ended = Ended("killed")
        if self._told.poll(seconds):
            with suppress(EOFError, ConnectionResetError):
                ended = self._told.recv()
        self._process.join(seconds)
        assert self._process.exitcode is not None, f"hangs in {self.now}"
        return ended


def _run(root: Path, environment: Mapping[str, str], day: int, step: str, doing: Path, tells: Connection) -> None:
    from dataflow.errors import TransientError

    os.environ.update(environment)
    try:
        tells.send(_outcome(root, day, step, doing))
    except TransientError as error:  # before the run began
        tells.send(Ended("failed", str(error), type(error).__name__))
    except Exception:  # noqa: BLE001 - told by the assertion
        tells.send(Ended("raised", traceback.format_exc()))


def _outcome(root: Path, day: int, step: str, doing: Path) -> Ended:
    from dataflow.runtime.local.run import run_workflow
    from kit.project import Project
    from kit.runs import days

    project = Project(root)
    workflow, settings, window = project.workflow("shop"), project.settings(), days(day, day + 1)
    earlier = _done_before(settings, window, again=step)
    kinds: list[str] = []

    def note(event: StepEvent) -> None:
        if event.state == "started":
            _write(doing, event.task_id)
        elif event.state == "failed":
            kinds.append(type(sys.exc_info()[1]).__name__)

    result = run_workflow(
        workflow,
        settings=settings,
        window=None if earlier else window,
        earlier=earlier,
        progress=note,
    )
    return Ended(result.status, result.error or "", "".join(kinds))


def _done_before(settings: Settings, window: Interval, *, again: str) -> Earlier | None:
    """Give what tasks of the window's run did but for the one that is tried again; None where it is no run yet."""
    from dataflow.ops.history import open_history
    from dataflow.ops.reading import list_runs, read_run
    from dataflow.runtime.local.resume import Earlier
    from dataflow.runtime.receipt import StepReceipt

    history = open_history(settings.ops)
    runs = [run.run_id for run in list_runs(history, workflow="shop") if run.window == window]
    if not runs:
        return None
    stages = [stage for stage in read_run(history, runs[0]).stages if stage.task_id]
    done = {
        stage.task_id: StepReceipt(
            table=stage.table,
            rows=stage.rows_out or 0,
            rows_in=stage.rows_in,
            bytes=stage.bytes,
            uri=stage.uri,
            window=window.to_json(),
        ).to_json()
        for stage in stages
        if stage.state == "succeeded" and stage.task_id != again
    }
    return Earlier(done, runs[0], 1 + max((stage.try_number for stage in stages), default=0))


def _write(doing: Path, step: str) -> None:
    draft = doing.with_suffix(".new")
    draft.write_text(step)
    draft.replace(doing)
