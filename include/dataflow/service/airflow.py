"""Airflow on one machine: its programs, one run of each example workflow, and an orderly end."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dataflow.errors import InputError, ServiceError
from dataflow.service.airflow_api import AirflowApi
from dataflow.service.environment import airflow_environment, airflow_home, local_address, user_environment
from dataflow.service.first_runs import FirstRun, run_first, task_log
from dataflow.service.keys import LOGIN, PASSWORDS, installation_keys
from dataflow.service.ports import Ports
from dataflow.service.processes import Programs, Stopped, last_lines, python_module
from dataflow.service.recompile import ModelWatch
from dataflow.service.screen import Screen
from dataflow.service.sqlite import let_readers_read_on

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["start_airflow"]

EXAMPLE = "example"
"""The tag of the workflows that are run once at the start."""
DONE, RUN_FAILED = 0, 2
UP_SECONDS = 180.0
RUNS_SECONDS = 900.0
LOOK_SECONDS = 3.0
HEALTH = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}
"""Our names of the components, and the health report's."""


@dataclass(frozen=True, slots=True)
class _Installation:
    """What the steps of a start share."""

    settings: Settings
    home: Path
    environment: Mapping[str, str]
    address: str
    screen: Screen
    programs: Programs

    @property
    def task_logs(self) -> Path:
        return Path(self.environment["AIRFLOW__LOGGING__BASE_LOG_FOLDER"])


def start_airflow(
    settings: Settings,
    *,
    port: int | None = None,
    once: bool = False,
    first_runs: Sequence[str] | None = None,
    screen: Screen | None = None,
) -> int:
    """Start Airflow, run the examples once, and serve until SIGINT or SIGTERM; nothing we started outlives this.

    Args:
        settings: Of the project.
        port: Of the API and pages; by default ``DATAFLOW_AIRFLOW_PORT``. The other ports keep their distance to it.
        once: End after the first runs.
        first_runs: The DAGs to run once; by default the healthy workflows with the tag ``example``.
        screen: Where to show progress.

    Returns:
        0 when all went well, 2 when a run failed or one of Airflow's programs ended, 128 + n when signal n
        came before everything was up.

    Raises:
        InputError: when a port is in use or another start serves this home; nothing was started.
    """
    user = user_environment(settings.project)
    ports = Ports.of(user, api=port)
    ports.require_free()
    home = airflow_home(settings, user)
    screen = screen or Screen()
    with _alone(home):
        environment = airflow_environment(settings, ports, home=home, keys=installation_keys(home), user=user)
        with Programs(environment, settings.project, home / "logs") as programs:
            here = _Installation(settings, home, environment, local_address(ports, user), screen, programs)
            code = _serve(here, once=once, first_runs=first_runs)
            if programs.running:
                screen.say("Ending every process ...")
    screen.say("Ended.")
    return code


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the home for one start at a time; the kernel lets go of it whatever happens to us."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "service.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"another start serves {home}; end it, or give this one a home of its own with AIRFLOW_HOME. "
                "Nothing was started"
            ) from None
        yield


def _serve(here: _Installation, *, once: bool, first_runs: Sequence[str] | None) -> int:
    is_up = False
    try:
        _prepare(here)
        _start_components(here)
        chosen, by_asset = _examples(here.settings, first_runs)
        login, password = _login(here)
        with AirflowApi(here.address, login=login, password=password) as api:
            failed = _run_examples(here, api, chosen=chosen, by_asset=by_asset)
        if once:
            return RUN_FAILED if failed else DONE
        _welcome(here, login=login, password=password, chosen=chosen)
        is_up = True
        _watch(here)
    except Stopped as stopped:
        return DONE if is_up else 128 + stopped.number
    except ServiceError as error:
        here.screen.say(str(error), "red")
        return RUN_FAILED


def _prepare(here: _Installation) -> None:
    with here.screen.step("Metadata database"):
        here.programs.run("db-migrate", python_module("airflow", "db", "migrate"))
        let_readers_read_on(here.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    with here.screen.step("Warehouse, run history, pools and dbt models (dataflow init)"):
        log = here.programs.run("dataflow-init", python_module("dataflow", "init"))
    for line in log.read_text(encoding="utf-8").splitlines():
        if line.startswith(("include/", "dbt/")):  # a problem, at its place
            here.screen.say(f"  {line}", "yellow")


def _start_components(here: _Installation) -> None:
    """The API server first: a task that starts before it listens would fail."""
    api = AirflowApi(here.address, login="", password="")
    with api, here.screen.step("Airflow"):
        here.programs.start("api-server", python_module("airflow", "api-server"))
        _until_healthy(here, api, ["metadatabase"])
        for component in HEALTH:
            here.programs.start(component, python_module("airflow", component))
        _until_healthy(here, api, list(HEALTH.values()))


def _until_healthy(here: _Installation, api: AirflowApi, components: Sequence[str]) -> None:
    waited = 0.0
    while not all((health := api.health()).get(component) == "healthy" for component in components):
        if waited > UP_SECONDS:
            sick = ", ".join(component for component in components if health.get(component) != "healthy")
            raise ServiceError(f"not healthy after {UP_SECONDS:.0f} s: {sick}; logs: {here.programs.logs}")
        here.programs.pause(1)
        waited += 1


def _examples(settings: Settings, chosen: Sequence[str] | None) -> tuple[list[str], frozenset[str]]:
    """Choose the DAGs to run once, and which of them are started by assets."""
    from dataflow.registry import load_registry
    from dataflow.spec.schedule import AssetSchedule

    specs = {name: workflow.spec for name, workflow in load_registry(settings.project).workflows.items()}
    by_asset = frozenset(name for name, spec in specs.items() if isinstance(spec.schedule, AssetSchedule))
    return list(chosen) if chosen is not None else [n for n, s in specs.items() if EXAMPLE in s.tags], by_asset


def _login(here: _Installation) -> tuple[str, str]:
    """Give the first user of Airflow's simple logins, and the password that Airflow keeps for it."""
    users = here.environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"]
    login = users.split(",")[0].split(":")[0].strip() or LOGIN
    named = here.environment.get("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE")
    try:
        passwords = json.loads((Path(named) if named else here.home / PASSWORDS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        passwords = {}
    return login, passwords.get(login, "")


def _run_examples(here: _Installation, api: AirflowApi, *, chosen: Sequence[str], by_asset: frozenset[str]) -> bool:
    """Run each once; tell whether one did not succeed."""
    if not chosen:
        return False
    here.screen.say(f"One run of each example: {', '.join(chosen)}")
    with here.screen.runs() as show:
        runs = run_first(
            chosen, api, by_asset=by_asset, programs=here.programs, show=show, timeout_seconds=RUNS_SECONDS
        )
    failed = [run for run in runs if run.state != "success"]
    for run in failed:
        _tell_failure(here, api, run=run)
    if not failed:
        here.screen.say(f"All {len(runs)} succeeded.", "green")
    return bool(failed)


def _tell_failure(here: _Installation, api: AirflowApi, *, run: FirstRun) -> None:
    here.screen.say(f"{run.dag_id}: {run.state}", "red")
    if run.state == "missing":
        for error in api.get("/importErrors", limit=10)["import_errors"]:
            here.screen.say(f"  {error['filename']}:\n{error['stack_trace']}")
        here.screen.say(f"  the DAG processor's log: {here.programs.logs / 'dag-processor.log'}")
    elif run.state == "not started":
        here.screen.say("  its assets were not updated, so no run of it was started")
    for task_id, attempt in run.failed:
        log, lines = task_log(here.task_logs, run, task_id, attempt=attempt)
        here.screen.say(f"  {task_id}, try {attempt}; its log: {log}")
        here.screen.say("\n".join(f"    {line}" for line in lines))


def _welcome(here: _Installation, *, login: str, password: str, chosen: Sequence[str]) -> None:
    say = here.screen.say
    say("")
    say(f"  Airflow    {here.address.replace('127.0.0.1', 'localhost')}", "bold")
    say(f"  login      {login}")
    say(f"  password   {password}")
    say(f"  logs       {here.programs.logs}")
    say("")
    say("  Next, in another terminal:", "bold")
    query = 'query shop "select * from daily_revenue order by day desc limit 5"'
    say(f"    .venv/bin/dataflow {query if 'shop' in chosen else 'workflow list'}")
    say("")
    say("Ctrl-C ends it.")


def _watch(here: _Installation) -> NoReturn:
    """Serve until a signal; compile dbt models again when they change."""
    watch = ModelWatch(here.settings)
    while True:
        here.programs.pause(LOOK_SECONDS)
        if watch.is_due():
            _compile(here)


def _compile(here: _Installation) -> None:
    """A model that does not compile is its author's to mend, and stops nothing."""
    try:
        with here.screen.step("Changed; dbt models"):
            log = here.programs.run("dbt-compile", python_module("dataflow", "dbt", "compile"))
        here.screen.say(last_lines(log, 3))
    except ServiceError as error:
        if here.programs.running and all(program.process.poll() is None for program in here.programs.running):
            here.screen.say(str(error), "yellow")
            return
        raise
