"""A private Airflow for one temporary project: real components on free ports, asked over REST as users do."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dataflow.service.airflow_api import AirflowApi
from dataflow.service.environment import airflow_environment, user_environment
from dataflow.service.keys import installation_keys
from dataflow.service.ports import Ports
from dataflow.service.processes import Programs, last_lines, python_module
from dataflow.service.sqlite import let_readers_read_on
from kit.project import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kit.project import Project

UP_SECONDS = 180
RUN_SECONDS = 300
PATIENCE = timedelta(seconds=UP_SECONDS)
"""Many tasks at once on two cores and one SQLite file keep the API server from answering for a while."""
DONE = frozenset({"success", "failed"})
FOR_TESTS = {
    # What a test changes is seen at once, and a run does not wait for the scheduler's next look.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "1",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
}


class AirflowHome:
    """An ``AIRFLOW_HOME`` of one project, and what runs in it. As a context it ends all of it on the way out."""

    def __init__(self, project: Project, home: Path, **overrides: str) -> None:
        self.project = project
        self.home = home
        shutil.copytree(REPOSITORY / "dags", project.root / "dags", dirs_exist_ok=True)
        home.mkdir(parents=True, exist_ok=True)
        user = {**user_environment(project.root), **FOR_TESTS, **overrides, **_free_ports()}
        ports = Ports.of(user)
        self.keys = installation_keys(home)
        self.environment = airflow_environment(project.settings(), ports, home=home, keys=self.keys, user=user)
        self.address = f"http://127.0.0.1:{ports.api.number}"
        self.programs = Programs(self.environment, project.root, home / "components")
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(self.programs)
        api = AirflowApi(self.address, login="admin", password=self.keys.password, patience=PATIENCE)
        self.api = self._open.enter_context(api)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def command(self, *words: str, expect: int | None = 0) -> str:
        """Run ``airflow ...`` or ``dataflow ...`` to its end and give what it wrote; another exit code is a failure."""
        done = subprocess.run(
            python_module(*words),
            env=dict(self.environment),
            cwd=self.project.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )
        assert expect is None or done.returncode == expect, f"{words} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def migrate(self) -> None:
        """Create the metadata database as ``make run`` does."""
        self.command("airflow", "db", "migrate")
        let_readers_read_on(self.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])

    def prepare(self) -> None:
        """Create the metadata database and what ``dataflow init`` creates."""
        self.migrate()
        self.command("dataflow", "init", expect=None)

    def start(self, *components: str) -> None:
        """Start the API server, scheduler and DAG processor (or those named) and wait until they are healthy."""
        chosen = components or ("api-server", "scheduler", "dag-processor")
        for component in chosen:
            self.programs.start(component, python_module("airflow", component))
            # A task that starts before the API server listens fails.
            name = "metadatabase" if component == "api-server" else component.replace("-", "_")
            self.until(lambda name=name: self.api.health().get(name) == "healthy", f"{component} is healthy")

    def until(self, holds: Callable[[], Any], what: str, *, seconds: float = UP_SECONDS) -> Any:
        """Wait until something holds and give what it gave; with the components' last words where it never does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := holds():
                return value
            self.programs.pause(0.5)
        logs = "\n".join(f"{p.name}:\n{last_lines(p.log, 30)}" for p in self.programs.running)
        raise AssertionError(f"not within {seconds:.0f} s: {what}\n{logs}")

    def wait_for_dag(self, dag_id: str) -> dict[str, Any]:
        """Wait until Airflow knows the DAG, and let its runs begin."""
        self.until(lambda: self.api.find(f"/dags/{dag_id}"), f"{dag_id} is a DAG")
        return self.api.patch(f"/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, **body: Any) -> str:
        """Start a run over REST and give its id."""
        return self.api.trigger(dag_id, body)

    def wait_for_run(self, dag_id: str, run_id: str, *, seconds: float = RUN_SECONDS) -> dict[str, Any]:
        """Wait until the run ended, and give it as REST shows it."""

        def ended() -> dict[str, Any] | None:
            run = self.api.get(f"/dags/{dag_id}/dagRuns/{run_id}")
            return run if run["state"] in DONE else None

        ended_run: dict[str, Any] = self.until(ended, f"{dag_id} {run_id} ends", seconds=seconds)
        return ended_run

    def run(self, dag_id: str, **body: Any) -> dict[str, Any]:
        """Start a run and wait until it ended."""
        return self.wait_for_run(dag_id, self.trigger(dag_id, **body))

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Give every run of a DAG, the first to be due first."""
        found: list[dict[str, Any]] = self.api.get(f"/dags/{dag_id}/dagRuns", order_by="run_after")["dag_runs"]
        return found

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Give the state of each task of a run."""
        found = self.api.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def log(self, dag_id: str, run_id: str, task_id: str, *, attempt: int = 1) -> str:
        """Give what a task wrote into its log, as Airflow's log page shows it, one event a line."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        content = self.api.get(path, full_content=True)["content"]
        return "\n".join(line if isinstance(line, str) else json.dumps(line) for line in content)

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, *, seconds: float = UP_SECONDS) -> str:
        """Wait until the task asks a person, answer it as the page does, and give what it asked."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        asks = "awaiting_input"
        self.until(lambda: self.tasks(dag_id, run_id).get(task_id) == asks, f"{task_id} asks", seconds=seconds)
        asked: str = self.api.get(path)["subject"]
        # Airflow fails a task that is answered before its executor has told of the pause. No person is as quick.
        self.programs.pause(3)
        self.api.patch(path, {"chosen_options": [option], "params_input": {}})
        return asked

    def failures(self, dag_id: str, run_id: str) -> str:
        """Give what went wrong in a run's failed tasks, for a test's message."""
        failed = [task for task, state in self.tasks(dag_id, run_id).items() if state == "failed"]
        lines = [(task, line) for task in failed for line in self.log(dag_id, run_id, task).splitlines()]
        return "\n".join(f"{task}: {line}" for task, line in lines if '"level": "error"' in line)


def _free_ports() -> Mapping[str, str]:
    variables = (
        "AIRFLOW__API__PORT",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT",
    )
    with ExitStack() as open_sockets:
        found = {}
        for variable in variables:
            probe = open_sockets.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            found[variable] = str(probe.getsockname()[1])
        return found
