"""``dataflow workflow run --remote``: the run goes on in Airflow, and its tasks are told here as they end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataflow.cli.console import err, out, print_json, seconds

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["run_in_airflow"]

DONE, RUN_FAILED = 0, 2


def run_in_airflow(
    settings: Settings, workflow: Workflow, *, params: Mapping[str, Any], window: Interval | None, as_json: bool
) -> int:
    """Start a run on a running Airflow, follow it to its end, and give the exit code.

    Raises:
        InputError: when that Airflow cannot be found, or cannot run it.
        ServiceError: when it does not answer.
    """
    from dataflow.service.remote_run import find_login, run_remotely

    login, began = find_login(settings), time.monotonic()

    def tell(task_id: str, state: str) -> None:
        if not as_json:
            what = f"{task_id:<40} {state}" if task_id else f"run {state} at {login.address}"
            out.print(what, markup=False)

    run = run_remotely(login, workflow.name, params=params, window=window, tell=tell)
    took = time.monotonic() - began
    if as_json:
        shown = {"status": run.state, "run_id": run.run_id, "failed_steps": run.failed, "duration_seconds": took}
        print_json(shown)
    elif run.state == "success":
        out.print(f"{workflow.name} succeeded in Airflow in {seconds(took)}, run {run.run_id}", markup=False)
    else:
        at = f" at {', '.join(run.failed)}" if run.failed else ""
        err.print(f"{workflow.name} failed in Airflow{at}; `dataflow runs show {run.run_id}` says why", markup=False)
    return DONE if run.state == "success" else RUN_FAILED
