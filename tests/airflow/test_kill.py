"""Task processes killed with SIGKILL in the midst of their work, ten times each: Airflow's retries mend all of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from dataflow.identifiers import literal, quote
from dataflow.interval import Interval
from dataflow.landing.manifest import MANIFEST, read_manifest, verify
from dataflow.landing.orphans import sweep_landing
from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.snapshot import current_snapshot
from kit.airflow_home import AirflowHome
from kit.killer import PHASES, Kill, Killer, Work, kill_points
from kit.project import Project

if TYPE_CHECKING:
    from dataflow.settings import Settings

pytestmark = [pytest.mark.alone, pytest.mark.airflow, pytest.mark.slow, pytest.mark.timeout(3000)]

WORKFLOWS = ("north", "south", "west")
KILLS_OF_EACH = 10
MOST_WAVES = 16
ROWS = 500_000
RUN_SECONDS = 900
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
COLUMNS = {
    "visitor": "INTEGER",
    "amount": "DECIMAL(12,2)",
    "label": "UUID",
    "seen_at": "TIMESTAMPTZ",
}
SESSIONS = """
select slot, visitor, amount, label, seen_at, _dataflow_window_end as loaded_until,
    sum(amount) over (partition by visitor order by seen_at, slot) as spent, md5(label::varchar) as digest
from {{ source('staging', 'events') }}
"""
TOTALS = """
select visitor, count(*) as visits, sum(amount) as amount, max(spent) as most, max(loaded_until) as loaded_until
from {{ ref('sessions') }} group by all
"""
CLEAN_RUNS = """
import sys
from datetime import datetime, timedelta
from dataflow import run_workflow
from dataflow.interval import Interval
for name in sys.argv[2:]:
    start = datetime.fromisoformat(sys.argv[1])
    result = run_workflow(name, window=Interval(start, start + timedelta(days=1)))
    assert result.status == "success", result
"""


def write_project(folder: Path) -> Project:
    project = Project(folder, dbt=True)
    for number, name in enumerate(WORKFLOWS):
        mock = {"type": "mock", "rows": ROWS, "seed": number}
        project.write_workflow(
            name,
            {
                "description": "Made-up visits, enough of them to be killed.",
                "owner": "tests",
                "schedule": "@daily",
                "start_date": datetime.now(UTC).date(),  # so that only the runs that we start are due
                "retries": 8,
                "retry_delay": "1s",
                "sources": {
                    # The slots are the same every day, so a merge changes every row; visits only ever become more.
                    "events": {**mock, "columns": {"slot": "INTEGER", **COLUMNS}},
                    "visits": {**mock, "columns": {"visit": "BIGINT", **COLUMNS}},
                },
                "load": {
                    "events": {"mode": "merge", "key": "slot", "newest_by": "seen_at"},
                    "visits": {"mode": "append"},
                },
            },
        )
        project.write_model(name, "sessions", SESSIONS)
        project.write_model(name, "totals", TOTALS)
    return project


def run_clean(project: Project, day: datetime, *names: str) -> None:
    """Run workflows on one day in a process of their own, no Airflow, nobody killing."""
    run_python(project, "-c", CLEAN_RUNS, day.isoformat(), *names)


def run_python(project: Project, *arguments: str) -> None:
    environment = {**os.environ, "DATAFLOW_PROJECT": str(project.root)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class LastWindow:
    """Tells whether a copy of the warehouse holds what a run of the current window loads or builds."""

    def __init__(self) -> None:
        self.window = Interval(FIRST_DAY, FIRST_DAY + DAY)

    def __call__(self, work: Work, copy: Path) -> bool:
        name, column = (work.workflow, "loaded_until"), "sessions"
        if work.phase == "transform":
            name, column = (f"staging_{work.workflow}", "_dataflow_window_end"), work.table
        table, moment = quote(name[0], column), quote(name[1])
        with duckdb.connect(copy) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            try:
                newest = connection.execute(f"SELECT max({moment})::varchar FROM {table}").fetchone()
            except duckdb.CatalogException:
                return False
        return bool(newest and newest[0] and datetime.fromisoformat(newest[0]) >= self.window.end)


def test_killed_tasks_leave_the_tables_of_one_clean_run(tmp_path: Path) -> None:
    seed = int(os.environ.get("DATAFLOW_TEST_SEED") or SystemRandom().randrange(1_000_000))
    print(f"seed {seed} (DATAFLOW_TEST_SEED)")
    random = Random(seed)
    clean, project = write_project(tmp_path / "clean"), write_project(tmp_path / "project")
    run_python(clean, "-m", "dataflow", "init", "--no-pools")
    with Killer(clean.settings(), tmp_path / "copies") as watcher:
        for day in range(2):
            run_clean(clean, FIRST_DAY + day * DAY, *WORKFLOWS)
    print({"/".join(filter(None, kind)): f"{size / 1e6:.1f} MB" for kind, size in sorted(watcher.largest.items())})

    witness = LastWindow()
    points = {phase: kill_points(random, KILLS_OF_EACH) for phase in PHASES}
    runs: list[tuple[str, str]] = []
    with AirflowHome(project, tmp_path / "home") as airflow:
        airflow.prepare()
        airflow.start("api-server", "scheduler", "dag-processor", "triggerer")
        for name in WORKFLOWS:
            airflow.wait_for_dag(name)
        killer = Killer(
            project.settings(), tmp_path / "copies", witness=witness, points=points, expected=watcher.largest
        )
        with killer:
            for wave in range(MOST_WAVES):
                if not killer.left:
                    break
                witness.window = Interval(FIRST_DAY + wave * DAY, FIRST_DAY + (wave + 1) * DAY)
                killer.begin_wave(per_workflow=2 if wave == 0 else 4)
                runs += run_wave(airflow, witness.window)
                print(f"after wave {wave + 1}: {len(killer.kills)} kills, {killer.left} to come", flush=True)
        tell(killer.kills)
        tries = {name_run: tries_of(airflow, *name_run) for name_run in runs}
        # Airflow tells of a run's end a moment after it.
        airflow.until(lambda: all_told(runs, project.settings()), "every run's end is in run history", seconds=120)
    for day in range(2, len(runs) // len(WORKFLOWS)):
        run_clean(clean, FIRST_DAY + day * DAY, *WORKFLOWS)

    assert_killed_as_often_as_it_takes(killer)
    assert_history_tells_of_each(killer.kills, tries, project.settings())
    for name in WORKFLOWS:
        assert_same_tables(clean.settings(), project.settings(), name)
        assert_same_snapshot(clean.settings(), project.settings(), name)
    assert_nothing_partial_is_visible(project.settings())


def run_wave(airflow: AirflowHome, window: Interval) -> list[tuple[str, str]]:
    """Run every workflow on the window, all at once, and give the runs, which succeed."""
    body = {
        "logical_date": datetime.now(UTC).isoformat(),
        "data_interval_start": window.start.isoformat(),
        "data_interval_end": window.end.isoformat(),
    }
    runs = [(name, airflow.trigger(name, **body)) for name in WORKFLOWS]
    for name, run_id in runs:
        run = airflow.wait_for_run(name, run_id, seconds=RUN_SECONDS)
        assert run["state"] == "success", airflow.failures(name, run_id)
    return runs


def tries_of(airflow: AirflowHome, name: str, run_id: str) -> list[dict[str, Any]]:
    """Give every try of every task of a run, as Airflow keeps them."""
    path = f"/dags/{name}/dagRuns/{run_id}/taskInstances"
    return [
        each
        for task in airflow.tasks(name, run_id)
        for each in airflow.api.get(f"{path}/{task}/tries")["task_instances"]
    ]


def all_told(runs: list[tuple[str, str]], settings: Settings) -> bool:
    history = open_history(settings.ops)
    return all(read_run(history, run_id, workflow=name).run.status != "OPEN" for name, run_id in runs)


def tell(kills: list[Kill]) -> None:
    for kill in kills:
        where = "midway" if kill.midway else "at its end"
        aim = "end" if kill.aim >= 1 else f"{kill.aim:.0%}"
        work = "/".join(filter(None, (kill.work.phase, kill.work.workflow, kill.work.table)))
        print(
            f"{datetime.fromtimestamp(kill.at, UTC):%H:%M:%S} {work:24} {aim:>4} {kill.written / 1e6:6.1f} MB {where}"
        )
    counted = Counter((kill.work.phase, kill.midway) for kill in kills)
    for phase in PHASES:
        print(f"{phase}: {counted[phase, True]} killed between first byte and commit, {counted[phase, False]} after it")


def assert_killed_as_often_as_it_takes(killer: Killer) -> None:
    killed = Counter(kill.work.phase for kill in killer.kills)
    assert dict.fromkeys(PHASES, KILLS_OF_EACH) == dict(killed)
    for phase in PHASES:
        midway = sum(kill.midway for kill in killer.kills if kill.work.phase == phase)
        assert midway >= KILLS_OF_EACH / 2, f"{phase}: only {midway} of the kills came midway"


def assert_history_tells_of_each(
    kills: list[Kill], tries: dict[tuple[str, str], list[dict[str, Any]]], settings: Settings
) -> None:
    """A try that was killed has no end in run history, unless its work was done by then."""
    by_pid = {each["pid"]: each for of_run in tries.values() for each in of_run}
    stories = {run: read_run(open_history(settings.ops), run[1], workflow=run[0]) for run in tries}
    for kill in kills:
        killed = by_pid[kill.work.pid]
        stages = stories[killed["dag_id"], killed["dag_run_id"]].stages
        told = [
            stage for stage in stages if (stage.task_id, stage.try_number) == (killed["task_id"], killed["try_number"])
        ]
        assert len(told) == 1, (killed, told)
        if kill.midway or told[0].ended_at is None:
            expected = f"step {killed['task_id']}, try {killed['try_number']} began and never ended (killed or lost)"
            assert ("interrupted", expected) == (told[0].state, told[0].message)
    for story in stories.values():
        assert story.run.status == "COMPLETED"


def tables(settings: Settings, name: str) -> dict[str, str]:
    """Give the tables of a workflow, loaded and built, as queries without the run's id."""
    return {
        "events": f"SELECT * EXCLUDE _dataflow_run FROM staging_{name}.events",
        "visits": f"SELECT * EXCLUDE _dataflow_run FROM staging_{name}.visits",
        "sessions": f"FROM {name}.sessions",
        "totals": f"FROM {name}.totals",
    }


def assert_same_tables(clean: Settings, killed: Settings, name: str) -> None:
    with open_warehouse(killed, purpose="compare") as connection:
        connection.execute(f"ATTACH {literal(str(clean.warehouse))} AS clean (READ_ONLY)")
        for table, query in tables(killed, name).items():
            of_clean = query.replace("FROM ", "FROM clean.")
            assert_same_rows(connection, f"{name}.{table}", of_clean, query)


def assert_same_snapshot(clean: Settings, killed: Settings, name: str) -> None:
    expected, actual = current_snapshot(clean, name), current_snapshot(killed, name)
    assert expected is not None
    assert actual is not None
    assert expected.tables == actual.tables
    with duckdb.connect(actual.database, read_only=True) as connection:
        connection.execute(f"ATTACH {literal(str(expected.database))} AS clean (READ_ONLY)")
        for table in expected.tables:
            assert_same_rows(connection, f"snapshot {name}.{table}", f"FROM clean.{table}", f"FROM {table}")
            parquet = f"FROM {literal(str(actual.parquet(table)))}"
            assert_same_rows(connection, f"parquet {name}.{table}", f"FROM clean.{table}", parquet)


def assert_same_rows(connection: duckdb.DuckDBPyConnection, what: str, expected: str, actual: str) -> None:
    def count(query: str) -> int:
        row = connection.execute(f"SELECT count(*) FROM ({query})").fetchone()
        return row[0] if row else 0

    assert count(expected) == count(actual), what
    assert (0, 0) == (count(f"{expected} EXCEPT ALL {actual}"), count(f"{actual} EXCEPT ALL {expected}")), what


def assert_nothing_partial_is_visible(settings: Settings) -> None:
    """What readers may come upon is whole; what is not whole has no name that a reader looks for, and is swept."""
    manifests = list(settings.landing.rglob(MANIFEST))
    for manifest in manifests:
        verify(read_manifest(str(manifest)))
    for file in [*settings.landing.rglob("*.parquet"), *settings.published.glob("*/[!.]*/*.parquet")]:
        duckdb.sql(f"SELECT count(columns(*)) FROM {literal(str(file))}").fetchall()
    for version in settings.published.glob("*/[!.]*/"):
        assert {f"{version.parent.name}.duckdb", "sessions.parquet", "totals.parquet"} == {
            f.name for f in version.iterdir()
        }

    assert list(settings.landing.rglob("*.tmp")) != []
    sweep_landing(settings.landing, older_than=timedelta(0))
    assert list(settings.landing.rglob("*.tmp")) == []
    assert len(manifests) == len(list(settings.landing.rglob(MANIFEST)))
    for manifest in manifests:
        verify(read_manifest(str(manifest)))
