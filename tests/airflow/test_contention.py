"""Many at once on one warehouse file, under a real scheduler: all of them succeed, and readers never notice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import kit.snapshot_reader
from dataflow.service.processes import python_module
from dataflow.warehouse.connection import open_warehouse
from kit.airflow_home import AirflowHome
from kit.project import Project
from kit.spans import overlapping, span_of

pytestmark = [pytest.mark.alone, pytest.mark.airflow, pytest.mark.slow, pytest.mark.timeout(1800)]

TEAMS = ("east", "north", "south", "west")
WIDE_MODELS = 30
LOCK_TIMEOUT = timedelta(minutes=3)
"""More than anybody may wait for the warehouse here: whoever waits longer fails."""
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)

EVENTS = {"event": "BIGINT", "kind": "INTEGER", "amount": "DECIMAL(12,2)", "seen_at": "TIMESTAMPTZ"}
CLEAN = """
select event, kind, amount, seen_at, max(_dataflow_window_end) over () as loaded_until
from {{ source('staging', 'events') }}
"""
BY_KIND = """
select kind, count(*) as events, sum(amount) as amount, max(loaded_until) as loaded_until
from {{ ref('clean') }} group by all
"""
ONE_OF_MANY = """
select kind % {number} as part, sum(amount) as amount, max(_dataflow_window_end) as loaded_until
from {{{{ source('staging', 'events') }}}} group by all
"""
TESTED = "models: [{name: clean, columns: [{name: event, data_tests: [not_null, unique]}]}]"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowHome]:
    folder = tmp_path_factory.mktemp("contention")
    project = Project(folder / "project", dbt=True)
    for number, name in enumerate((*TEAMS, "wide", "by_hand")):
        project.write_workflow(name, of_events(seed=number))
    for name in (*TEAMS, "by_hand"):
        project.write_model(name, "clean", CLEAN)
        project.write_model(name, "by_kind", BY_KIND)
        project.write_file(f"dbt/models/{name}/models.yml", TESTED)
    for number in range(1, WIDE_MODELS + 1):
        project.write_model("wide", f"one_{number:02}", ONE_OF_MANY.format(number=number))
    settings = {"DATAFLOW_LOCK_TIMEOUT": f"{LOCK_TIMEOUT.seconds}s"}
    with AirflowHome(project, folder / "home", **settings) as home:
        home.prepare()
        home.start("api-server", "scheduler", "dag-processor", "triggerer")
        yield home


def of_events(*, seed: int) -> dict[str, Any]:
    return {
        "description": "Made-up events, more of them every day.",
        "owner": "tests",
        "schedule": "@daily",
        "start_date": datetime.now(UTC).date(),  # so that only the runs that we start are due
        "retries": 2,
        "retry_delay": "1s",
        "sources": {"events": {"type": "mock", "rows": 100_000, "seed": seed, "columns": EVENTS}},
        "load": {"events": {"mode": "append"}},
    }


def test_many_at_once_on_one_file_all_succeed_and_readers_never_notice(airflow: AirflowHome) -> None:
    for name in (*TEAMS, "wide"):
        airflow.wait_for_dag(name)
    with reader(airflow.project) as told:
        first = {name: airflow.trigger(name, **window(0)) for name in (*TEAMS, "wide")}
        for name, run_id in first.items():
            succeed(airflow, name, run_id)
        began = datetime.now(UTC)
        group = [task for task in airflow.tasks("wide", first["wide"]) if task.startswith("dbt.")]
        airflow.api.post(
            "/dags/wide/clearTaskInstances",
            {"dry_run": False, "dag_run_id": first["wide"], "task_ids": group, "only_failed": False}
            | {"include_downstream": True, "reset_dag_runs": True},
        )
        second = {name: airflow.trigger(name, **window(1)) for name in TEAMS}
        by_hand = [run_by_hand(airflow, day) for day in range(2)]
        for name, run_id in {**second, "wide": first["wide"]}.items():
            succeed(airflow, name, run_id)

    spans = [
        (f"{name} {task['task_id']}", *span_of(task))
        for name, run_id in {**second, "wide": first["wide"]}.items()
        for task in airflow.api.get(f"/dags/{name}/dagRuns/{run_id}/taskInstances", limit=200)["task_instances"]
        if task["start_date"] and task["state"] == "success" and datetime.fromisoformat(task["start_date"]) >= began
    ] + [(f"by_hand, run {number}", *span) for number, span in enumerate(by_hand)]
    tell_overlap(spans)
    tell_waits(airflow)
    print(f"a reader read {sum(told['reads'].values())} snapshots of {len(told['reads'])} workflows: {told['reads']}")
    assert [] == told["errors"]
    assert {*TEAMS, "wide", "by_hand"} == set(told["reads"])
    assert {2} == {len(told["versions"][name]) for name in (*TEAMS, "wide")}
    for name in TEAMS:
        assert [(200_000, 200_000, 200_000)] == counts(airflow, name)
    assert WIDE_MODELS == len([task for task in group if "_run" in task])


def window(day: int) -> dict[str, str]:
    start, end = FIRST_DAY + day * DAY, FIRST_DAY + (day + 1) * DAY
    return {
        "logical_date": datetime.now(UTC).isoformat(),
        "data_interval_start": start.isoformat(),
        "data_interval_end": end.isoformat(),
    }


def succeed(airflow: AirflowHome, name: str, run_id: str) -> None:
    run = airflow.wait_for_run(name, run_id, seconds=1200)
    assert run["state"] == "success", airflow.failures(name, run_id)


def run_by_hand(airflow: AirflowHome, day: int) -> tuple[datetime, datetime]:
    """Run a workflow on the real data beside Airflow, and give from when to when that took."""
    began = datetime.now(UTC)
    moment = f"{FIRST_DAY + day * DAY:%Y-%m-%d}"
    done = subprocess.run(
        python_module("dataflow", "workflow", "run", "by_hand", "--live", "--window", moment),
        env=dict(airflow.environment),
        cwd=airflow.project.root,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return began, datetime.now(UTC)


@contextmanager
def reader(project: Project) -> Iterator[dict[str, Any]]:
    """Have another process read the snapshots while the block runs; afterwards give what it came upon."""
    program = [sys.executable, str(Path(kit.snapshot_reader.__file__)), str(project.settings().published)]
    told: dict[str, Any] = {}
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield told
        finally:
            said, _ = process.communicate()
    told |= json.loads(said)


def tell_overlap(spans: list[tuple[str, datetime, datetime]]) -> None:
    """Show that tasks of different workflows were at work at the same time."""
    pairs = {frozenset((a.split()[0], b.split()[0])) for a, b in overlapping(spans)}
    between = sorted(" and ".join(sorted(pair)) for pair in pairs if len(pair) == 2)
    most = max(sum(a[1] <= b[1] < a[2] for a in spans) for b in spans)
    print(f"{len(spans)} tasks, at most {most} at once; workflows at once: {', '.join(between)}")
    assert most >= 3
    for one, other in combinations(TEAMS, 2):
        assert frozenset((one, other)) in pairs
    for name in TEAMS:
        assert frozenset((name, "wide")) in pairs
    assert frozenset(("wide", "by_hand,")) in pairs


def tell_waits(airflow: AirflowHome) -> None:
    """Show how long tasks waited for the warehouse, as their logs say."""
    told = re.compile(r"to ([^\"]+): waited ([0-9.]+) s for")
    logs = [log.read_text(encoding="utf-8") for log in (airflow.home / "logs").rglob("*.log")]
    waits = sorted(((float(seconds), what) for log in logs for what, seconds in told.findall(log)), reverse=True)
    longest = ", ".join(f"{seconds:.1f} s to {what}" for seconds, what in waits[:3])
    print(f"{len(waits)} waits of more than half a second for the warehouse; the longest: {longest}")
    assert waits
    assert waits[0][0] < LOCK_TIMEOUT.total_seconds()
    assert [] == [log for log in logs if "LockTimeout" in log]


def counts(airflow: AirflowHome, name: str) -> list[tuple[Any, ...]]:
    query = f"SELECT (SELECT count(*) FROM staging_{name}.events), count(*), (SELECT sum(events) FROM {name}.by_kind)"
    with open_warehouse(airflow.project.settings(), purpose="count") as connection:
        return [tuple(map(int, row)) for row in connection.execute(f"{query} FROM {name}.clean").fetchall()]
