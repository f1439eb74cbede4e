"""Workflows under a real scheduler: one Airflow for the whole file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from dataflow.interval import Interval
from dataflow.ops.history import open_history
from dataflow.ops.runs import find_run
from dataflow.warehouse.snapshot import current_snapshot
from kit.airflow_home import AirflowHome
from kit.project import MOCK_CONFIG, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

DAILY: dict[str, Any] = {**MOCK_CONFIG, "retry_delay": "1s"}
HEALTHY = [f"healthy_{number:02}" for number in range(100)]
MONTHLY = {**DAILY, "schedule": {"cron": "@monthly", "partition": "month", "timezone": "Europe/Berlin"}}
EVENTS: dict[str, Any] = MOCK_CONFIG["sources"]["events"]
BROKEN: dict[str, Any] = {
    "broken_key": {**DAILY, "ownr": "nobody"},
    "broken_cron": {**DAILY, "schedule": "61 * * * *"},
    "broken_zone": {**DAILY, "schedule": {"cron": "@daily", "timezone": "Europe/Berln"}},
    "broken_owner": {key: value for key, value in DAILY.items() if key != "owner"},
    "broken_type": {**DAILY, "sources": {"events": {**EVENTS, "type": "mok"}}},
    "broken_rows": {**DAILY, "sources": {"events": {**EVENTS, "rows": "many"}}},
    "broken_retries": {**DAILY, "retries": -1},
    "broken_check": {**DAILY, "validate": {"events": [{"not_nul": "event_id"}]}},
    "broken_table": {**DAILY, "validate": {"evnts": [{"not_null": "event_id"}]}},
    "broken_yaml": "description: [a\nowner: tests\n",
}
FAILING = """
from dataflow.errors import FatalError

def events(ctx):
    raise FatalError("the shop is closed")
    yield
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowHome]:
    folder = tmp_path_factory.mktemp("airflow")
    project = Project(folder / "project")
    for name in HEALTHY:
        project.write_workflow(name, DAILY)
    for name, config in BROKEN.items():
        project.write_workflow(name, config)
    project.write_workflow("monthly", MONTHLY)
    project.write_workflow("follower", {**DAILY, "schedule": {"assets": ["warehouse/healthy_01/events"]}})
    fails = {"events": {"type": "python", "windowed": True, "columns": {"id": "BIGINT"}}}
    project.write_workflow("fails", {**DAILY, "sources": fails}, ingestion=FAILING)
    with AirflowHome(project, folder / "home") as home:
        home.prepare()
        home.start()
        yield home


def window_of(airflow: AirflowHome, workflow: str, run_id: str) -> Interval | None:
    with open_history(airflow.project.settings().ops).read() as connection:
        record = find_run(connection, workflow, run_id=run_id)
    assert record is not None
    return record.window


def test_a_mock_workflow_runs_green_and_publishes_a_snapshot(airflow: AirflowHome) -> None:
    airflow.wait_for_dag("healthy_00")

    run = airflow.run("healthy_00")

    assert run["state"] == "success", airflow.failures("healthy_00", run["dag_run_id"])
    assert set(airflow.tasks("healthy_00", run["dag_run_id"]).values()) == {"success"}
    snapshot = current_snapshot(airflow.project.settings(), "healthy_00")
    assert snapshot is not None
    assert snapshot.run_id == run["dag_run_id"]
    assert snapshot.tables == {"events": 5}


def test_a_run_by_hand_takes_the_last_complete_window(airflow: AirflowHome) -> None:
    airflow.wait_for_dag("healthy_02")

    run = airflow.run("healthy_02")

    window = window_of(airflow, "healthy_02", run["dag_run_id"])
    today = datetime.fromisoformat(run["run_after"]).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert window is not None
    assert today == window.end
    assert (window.end - window.start).days == 1


def test_ten_broken_configs_hide_no_healthy_workflow_and_are_told_with_their_place(airflow: AirflowHome) -> None:
    expected = {*HEALTHY, "monthly", "follower", "fails", "dataflow-maintenance"}

    def all_there() -> bool:
        pages = [airflow.api.get("/dags", limit=100, offset=offset)["dags"] for offset in (0, 100)]
        return expected == {dag["dag_id"] for page in pages for dag in page}

    airflow.until(all_there, "every healthy workflow is a DAG")
    airflow.until(lambda: airflow.api.get("/importErrors")["total_entries"] == 1, "there is one import error")

    # Airflow's command ends with 1 where there are errors.
    listed = airflow.command("airflow", "dags", "list-import-errors", "-o", "json", expect=1)
    errors = json.loads(listed.splitlines()[-1])
    text = "\n".join(error["error"] for error in errors)
    problems = airflow.project.registry().problems
    assert {problem.path.split("/")[2] for problem in problems} == set(BROKEN)
    assert [problem for problem in problems if str(problem) not in text] == []


def test_a_config_that_is_mended_becomes_a_dag(airflow: AirflowHome) -> None:
    airflow.project.write_workflow("mended", {**DAILY, "ownr": "nobody"})
    airflow.until(lambda: "workflows/mended/" in str(airflow.api.get("/importErrors")), "the mistake is told")

    airflow.project.write_workflow("mended", DAILY)

    airflow.wait_for_dag("mended")
    airflow.until(lambda: "workflows/mended/" not in str(airflow.api.get("/importErrors")), "nothing is told any more")


def test_a_month_is_run_by_its_key_and_months_by_a_backfill(airflow: AirflowHome) -> None:
    airflow.wait_for_dag("monthly")

    run = airflow.run("monthly", partition_key="2025-01")
    airflow.command(
        "airflow", "backfill", "create", "--dag-id", "monthly", "--from-date", "2025-03-01", "--to-date", "2025-05-01"
    )
    backfilled = [each for each in airflow.runs("monthly") if each["run_type"] == "backfill"]
    ended = [airflow.wait_for_run("monthly", each["dag_run_id"]) for each in backfilled]

    assert [each["partition_key"] for each in ended] == ["2025-03", "2025-04", "2025-05"]
    for each in (run, *ended):
        assert each["state"] == "success", airflow.failures("monthly", each["dag_run_id"])
    windows = {each["partition_key"]: window_of(airflow, "monthly", each["dag_run_id"]) for each in (run, *ended)}
    expected = {
        "2025-01": Interval(datetime(2024, 12, 31, 23, tzinfo=UTC), datetime(2025, 1, 31, 23, tzinfo=UTC)),
        "2025-03": Interval(datetime(2025, 2, 28, 23, tzinfo=UTC), datetime(2025, 3, 31, 22, tzinfo=UTC)),
        "2025-04": Interval(datetime(2025, 3, 31, 22, tzinfo=UTC), datetime(2025, 4, 30, 22, tzinfo=UTC)),
        "2025-05": Interval(datetime(2025, 4, 30, 22, tzinfo=UTC), datetime(2025, 5, 31, 22, tzinfo=UTC)),
    }
    assert expected == windows


def test_a_published_asset_starts_the_workflow_that_waits_for_it(airflow: AirflowHome) -> None:
    for dag_id in ("healthy_01", "follower"):
        airflow.wait_for_dag(dag_id)

    producer = airflow.run("healthy_01")

    started = airflow.until(lambda: airflow.runs("follower"), "the follower is started")[0]
    follower = airflow.wait_for_run("follower", started["dag_run_id"])
    assert follower["state"] == "success", airflow.failures("follower", follower["dag_run_id"])
    assert follower["run_type"] == "asset_triggered"
    events = airflow.api.get("/assets/events", source_dag_id="healthy_01", source_run_id=producer["dag_run_id"])
    window = window_of(airflow, "healthy_01", producer["dag_run_id"])
    assert window is not None
    assert {event["name"]: event["extra"] for event in events["asset_events"]} == {
        f"{kind}/healthy_01/events": {"rows": 5, "window": window.to_json()} for kind in ("raw", "staging", "warehouse")
    }


def test_a_fatal_error_fails_at_once_says_why_and_is_in_run_history(airflow: AirflowHome) -> None:
    airflow.wait_for_dag("fails")

    run = airflow.run("fails")
    run_id = run["dag_run_id"]

    assert run["state"] == "failed"
    tasks = airflow.api.get(f"/dags/fails/dagRuns/{run_id}/taskInstances")["task_instances"]
    assert {task["task_id"]: task["state"] for task in tasks}["ingest.events"] == "failed"
    assert {task["task_id"]: task["try_number"] for task in tasks}["ingest.events"] == 1
    assert "the shop is closed" in airflow.log("fails", run_id, "ingest.events")

    def is_closed() -> bool:
        with open_history(airflow.project.settings().ops).read() as connection:
            record = find_run(connection, "fails", run_id=run_id)
        return record is not None and record.status == "FAILED"

    airflow.until(is_closed, "the callback wrote the end of the run")


def test_what_airflow_shows_of_a_task_is_its_receipt_and_nothing_else(airflow: AirflowHome) -> None:
    airflow.wait_for_dag("healthy_03")
    run_id = airflow.run("healthy_03")["dag_run_id"]

    path = f"/dags/healthy_03/dagRuns/{run_id}/taskInstances/publish"
    task = airflow.api.get(path)
    receipt = airflow.api.get(f"{path}/xcomEntries/return_value")["value"]

    assert task["rendered_fields"] == {"templates_dict": None, "op_args": [], "op_kwargs": {}}
    assert receipt["tables"] == {"events": 5}
    assert "window 20" in airflow.log("healthy_03", run_id, "publish")


def test_every_healthy_workflow_runs_beside_the_broken_ones(airflow: AirflowHome) -> None:
    # One request, not a hundred: SQLite, which the scheduler writes to meanwhile, takes one writer at a time.
    airflow.api.patch("/dags?dag_id_pattern=healthy_&limit=100", {"is_paused": False})

    def all_ran() -> bool:
        pages = [airflow.api.get("/dags/~/dagRuns", state="success", limit=100, offset=n)["dag_runs"] for n in (0, 100)]
        return set(HEALTHY) <= {run["dag_id"] for page in pages for run in page}

    # Unpaused, each has the run of its last tick; about 300 tasks.
    airflow.until(all_ran, "each of the hundred has a successful run", seconds=840)

    assert [] == [name for name in HEALTHY if current_snapshot(airflow.project.settings(), name) is None]
