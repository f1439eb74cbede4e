"""A run on an Airflow that is up: asked for through its REST API, and followed to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dataflow.errors import InputError
from dataflow.service.airflow_api import AirflowApi
from dataflow.service.environment import airflow_home, local_address, user_environment
from dataflow.service.keys import FILE, LOGIN, installation_keys
from dataflow.service.ports import Ports

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.settings import Settings

__all__ = ["RemoteLogin", "RemoteRun", "find_login", "run_remotely"]

POLL_SECONDS = 2.0
MAX_TASKS = 100
"""Of one page of Airflow's answer."""
RUN_ENDED = frozenset({"success", "failed"})
TASK_ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


@dataclass(frozen=True, slots=True)
class RemoteLogin:
    """Where Airflow is, and as whom to come."""

    address: str
    user: str
    password: str

    def __repr__(self) -> str:
        return f"RemoteLogin({self.address!r}, {self.user!r})"


@dataclass(frozen=True, slots=True)
class RemoteRun:
    """How the run ended."""

    run_id: str
    state: str
    failed: tuple[str, ...]
    """Task ids."""


def find_login(settings: Settings) -> RemoteLogin:
    """Give ``DATAFLOW_AIRFLOW_URL``, ``_USER`` and ``_PASSWORD``; else the Airflow that was started in this project.

    Raises:
        InputError: when neither says where Airflow is or what its password is.
    """
    user = user_environment(settings.project)
    address, home = user.get("DATAFLOW_AIRFLOW_URL", ""), airflow_home(settings, user)
    if not address and not (home / FILE).is_file():
        raise InputError(
            "--remote: no Airflow was ever started in this project; start one (`make run`), or set "
            "DATAFLOW_AIRFLOW_URL, DATAFLOW_AIRFLOW_USER and DATAFLOW_AIRFLOW_PASSWORD"
        )
    password = user.get("DATAFLOW_AIRFLOW_PASSWORD", "")
    is_here = not address or urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")
    if not password and not (is_here and (home / FILE).is_file()):  # the password of this machine is for this machine
        raise InputError("--remote: DATAFLOW_AIRFLOW_PASSWORD is not set")
    return RemoteLogin(
        address=(address or local_address(Ports.of(user), user)).rstrip("/"),
        user=user.get("DATAFLOW_AIRFLOW_USER") or LOGIN,
        password=password or installation_keys(home).password,
    )


def run_remotely(
    login: RemoteLogin,
    dag_id: str,
    *,
    params: Mapping[str, Any],
    window: Interval | None,
    tell: Callable[[str, str], None],
    poll_seconds: float = POLL_SECONDS,
) -> RemoteRun:
    """Start a run and follow it; ``tell`` is called with a task and its state whenever that changes.

    Raises:
        InputError: when that Airflow has no such workflow, its DAG is paused, or a window is asked for.
        ServiceError: when Airflow does not answer, or refuses.
    """
    if window is not None:
        raise InputError(
            "--remote: a window cannot be given to a run of Airflow; it follows from the schedule. For past windows: "
            f"`airflow backfill create --dag-id {dag_id} --from-date ... --to-date ...`"
        )
    with AirflowApi(login.address, login=login.user, password=login.password) as api:
        dag = api.find(f"/dags/{dag_id}")
        if dag is None:
            raise InputError(
                f"--remote: Airflow at {login.address} has no workflow {dag_id!r}, or has not parsed it yet"
            )
        if dag.get("is_paused"):
            raise InputError(
                f"--remote: {dag_id} is paused in Airflow, its run would wait; `airflow dags unpause {dag_id}`"
            )
        run_id = api.trigger(dag_id, {"conf": dict(params)} if params else {})
        tell("", run_id)
        return _follow(api, dag_id, run_id, tell=tell, poll_seconds=poll_seconds)


def _follow(
    api: AirflowApi, dag_id: str, run_id: str, *, tell: Callable[[str, str], None], poll_seconds: float
) -> RemoteRun:
    path = f"/dags/{dag_id}/dagRuns/{run_id}"
    known: dict[str, str] = {}
    while True:
        # The run's state first: once it has ended, the tasks that are read after it have ended too.
        state = str(api.get(path)["state"])
        for task_id, now in _states(api, path):
            if known.get(task_id) != now and (now in TASK_ENDED or now == "running"):
                tell(task_id, now)
            known[task_id] = now
        if state in RUN_ENDED:
            failed = tuple(sorted(task for task, now in known.items() if now == "failed"))
            return RemoteRun(run_id, state, failed)
        time.sleep(poll_seconds)


def _states(api: AirflowApi, path: str) -> list[tuple[str, str]]:
    """Give each task and its state, those that began first at the top."""
    rows: list[dict[str, Any]] = []
    while True:
        page = api.get(f"{path}/taskInstances", limit=MAX_TASKS, offset=len(rows), order_by="id")
        rows += page["task_instances"]
        if not page["task_instances"] or len(rows) >= page["total_entries"]:
            break
    rows.sort(key=lambda row: (row.get("start_date") is None, str(row.get("start_date"))))
    return [(_name(row), str(row["state"] or "")) for row in rows]


def _name(row: Mapping[str, Any]) -> str:
    index = row.get("map_index", -1)
    return str(row["task_id"]) if index in (-1, None) else f"{row['task_id']}[{index}]"
