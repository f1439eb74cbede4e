"""One run of each example workflow, started and watched through Airflow's REST API."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.service.airflow_api import AirflowApi
    from dataflow.service.processes import Programs

__all__ = ["FirstRun", "run_first", "task_log"]

POLL_SECONDS = 2.0
ADOPT_SECONDS = 6.0
"""How long the scheduler has to make the run that a DAG's schedule already owes, before we ask for one."""
EVENT_SECONDS = 60.0
"""How long after the other runs an asset has started its consumer, or never will."""
HOPELESS_SECONDS = 10.0
"""The same, where one of the other runs failed."""
ENDED = frozenset({"success", "failed", "missing", "not started", "not done"})
STATES_OF_ENDED_TASKS = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


@dataclass(slots=True)
class FirstRun:
    """One workflow's run, as far as it has come."""

    dag_id: str
    by_asset: bool
    """Whether its assets start it; else we do."""
    run_id: str = ""
    state: str = "waiting"
    done: int = 0
    total: int = 0
    running: tuple[str, ...] = ()
    failed: tuple[tuple[str, int], ...] = ()
    """Task id and try of each task that failed."""
    seconds: float = 0.0
    known: frozenset[str] = field(default_factory=frozenset)
    """Runs that were there before."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ENDED


def run_first(
    dag_ids: Sequence[str],
    api: AirflowApi,
    *,
    by_asset: Collection[str],
    programs: Programs,
    show: Callable[[Sequence[FirstRun]], None],
    timeout_seconds: float,
) -> list[FirstRun]:
    """Unpause each DAG, see that one run of it starts, and watch until all have ended or the time is over.

    Args:
        dag_ids: What to run.
        api: The running Airflow.
        by_asset: Which of them their assets start; they are waited for.
        programs: What must keep running meanwhile.
        show: Called with the runs at every look.
        timeout_seconds: For all of them together.
    """
    runs = [FirstRun(dag_id, dag_id in by_asset) for dag_id in dag_ids]
    end = time.monotonic() + timeout_seconds
    _await_dags(runs, api, programs=programs, show=show, end=end)
    _unpause([run for run in runs if not run.ended], api)
    began = time.monotonic()
    while not all(run.ended for run in runs):
        now = time.monotonic()
        for run in runs:
            if not run.ended:
                _advance(run, api, may_ask=now - began > ADOPT_SECONDS)
                run.seconds = now - began
        _give_up(runs, now=now, end=end)
        show(runs)
        programs.pause(POLL_SECONDS)
    show(runs)
    return runs


def _await_dags(
    runs: Sequence[FirstRun],
    api: AirflowApi,
    *,
    programs: Programs,
    show: Callable[[Sequence[FirstRun]], None],
    end: float,
) -> None:
    """Wait until each DAG is parsed and stored."""
    known_by = min(end, time.monotonic() + 120)
    waiting = list(runs)
    while waiting:
        waiting = [run for run in waiting if not _is_there(run.dag_id, api)]
        if waiting and time.monotonic() > known_by:
            for run in waiting:
                run.state = "missing"
            return
        show(runs)
        if waiting:
            programs.pause(1)


def _is_there(dag_id: str, api: AirflowApi) -> bool:
    dag = api.find(f"/dags/{dag_id}")
    return dag is not None and not dag.get("is_stale")


def _unpause(runs: Sequence[FirstRun], api: AirflowApi) -> None:
    for run in runs:
        run.known = frozenset(row["dag_run_id"] for row in _newest_runs(run.dag_id, api, limit=100))
    # Consumers first: an event queues no run for a DAG that is paused.
    for run in sorted(runs, key=lambda run: not run.by_asset):
        api.patch(f"/dags/{run.dag_id}", {"is_paused": False})


def _newest_runs(dag_id: str, api: AirflowApi, *, limit: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = api.get(f"/dags/{dag_id}/dagRuns", order_by="-id", limit=limit)["dag_runs"]
    return rows


def _advance(run: FirstRun, api: AirflowApi, *, may_ask: bool) -> None:
    """Find or start the run, then read how far it is."""
    if not run.run_id:
        new = [row for row in _newest_runs(run.dag_id, api, limit=20) if row["dag_run_id"] not in run.known]
        if new:  # the scheduler's own: the last tick of a DAG that was just unpaused, or an asset's
            run.run_id = new[-1]["dag_run_id"]
        elif may_ask and not run.by_asset:
            run.run_id = api.trigger(run.dag_id, {})
    if run.run_id:
        path = f"/dags/{run.dag_id}/dagRuns/{run.run_id}"
        _take_tasks(run, api.get(f"{path}/taskInstances", limit=100)["task_instances"])
        run.state = api.get(path)["state"]


def _take_tasks(run: FirstRun, tasks: Iterable[dict[str, Any]]) -> None:
    rows = list(tasks)
    run.total = len(rows)
    run.done = sum(row["state"] in STATES_OF_ENDED_TASKS for row in rows)
    run.running = tuple(sorted(row["task_id"] for row in rows if row["state"] == "running"))
    run.failed = tuple((row["task_id"], row["try_number"]) for row in rows if row["state"] == "failed")


def _give_up(runs: Sequence[FirstRun], *, now: float, end: float) -> None:
    """Settle what will not end by itself: the time is over, or no event can come any more."""
    if now > end:
        for run in runs:
            run.state = run.state if run.ended else "not done"
    elif all(run.ended or (run.by_asset and not run.run_id) for run in runs):
        last = max((run.seconds for run in runs if run.ended), default=0.0)
        patience = EVENT_SECONDS if all(run.state == "success" for run in runs if run.ended) else HOPELESS_SECONDS
        for run in runs:
            if not run.ended and run.seconds - last > patience:
                run.state = "not started"


def task_log(logs: Path, run: FirstRun, task_id: str, *, attempt: int) -> tuple[Path, list[str]]:
    """Give a failed task's log and its last messages, made readable."""
    path = logs / f"dag_id={run.dag_id}" / f"run_id={run.run_id}" / f"task_id={task_id}" / f"attempt={attempt}.log"
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return path, []
    messages: list[str] = []
    for line in lines:
        messages += _messages(line)
    return path, [message[:300] for message in messages[-15:]]


def _messages(line: str) -> list[str]:
    """Read one line of Airflow's structured log: its message and, where there is one, its error."""
    try:
        entry = json.loads(line)
    except ValueError:
        return [line]
    if not isinstance(entry, dict):
        return [line]
    errors = [f"{error.get('exc_type')}: {error.get('exc_value')}" for error in entry.get("error_detail") or []]
    return [str(entry.get("event", "")), *"\n".join(errors).splitlines()]
