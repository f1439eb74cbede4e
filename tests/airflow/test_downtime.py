"""A database table read incrementally under a real scheduler, which stands still for a while."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dataflow.ops.history import open_history
from dataflow.ops.runs import find_run
from dataflow.warehouse.connection import open_warehouse
from kit.airflow_home import AirflowHome
from kit.databases import postgres_schema
from kit.project import Project

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(1500)]

MINUTE = timedelta(minutes=1)
OLD = 3_650
CONFIG: dict[str, Any] = {
    "description": "Events of a database, each minute.",
    "owner": "tests",
    "schedule": "* * * * *",
    "start_date": "2014-01-01",
    "catchup": False,
    "retry_delay": "1s",
    "sources": {
        "events": {
            "type": "database",
            "url": "${EVENTS_DB}",
            "table": "events",
            "incremental": {"cursor": "changed_at"},
        }
    },
    "load": {"events": {"mode": "append"}},
}


@pytest.fixture(scope="module")
def database() -> Iterator[sa.Engine]:
    with postgres_schema() as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("create table events (id serial primary key, changed_at timestamptz not null)")
            connection.exec_driver_sql(
                f"insert into events (changed_at) select now() - i * interval '1 day' from generate_series(1, {OLD}) i"
            )
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, database: sa.Engine) -> Iterator[AirflowHome]:
    folder = tmp_path_factory.mktemp("downtime")
    project = Project(folder / "project")
    project.write_workflow("events", CONFIG)
    url = database.url.render_as_string(hide_password=False)
    with AirflowHome(project, folder / "home", EVENTS_DB=url) as home:
        home.prepare()
        home.start()
        yield home


def succeeded(airflow: AirflowHome) -> list[dict[str, Any]]:
    return [run for run in airflow.runs("events") if run["state"] == "success"]


def loaded(airflow: AirflowHome) -> list[int]:
    with open_warehouse(airflow.project.settings(), purpose="a test") as connection:
        return [
            number for (number,) in connection.execute("select id from staging_events.events order by id").fetchall()
        ]


def add_event(database: sa.Engine) -> datetime:
    with database.begin() as connection:
        query = "insert into events (changed_at) values (clock_timestamp()) returning changed_at"
        return connection.exec_driver_sql(query).scalar_one()


def wait_for_run_beyond(airflow: AirflowHome, moment: datetime) -> list[dict[str, Any]]:
    def done() -> list[dict[str, Any]]:
        return [run for run in succeeded(airflow) if datetime.fromisoformat(run["data_interval_end"]) > moment]

    return airflow.until(done, f"a run whose window ends after {moment}", seconds=300)


def test_no_row_is_missed_while_the_scheduler_stands_still(airflow: AirflowHome, database: sa.Engine) -> None:
    airflow.wait_for_dag("events")
    airflow.until(lambda: succeeded(airflow), "the first run", seconds=300)
    # The table is ten years old: the first run read all of it.
    assert list(range(1, OLD + 1)) == [number for number in loaded(airflow) if number <= OLD]

    scheduler = next(program for program in airflow.programs.running if program.name == "scheduler")
    airflow.programs.running.remove(scheduler)
    with scheduler.process as process:
        process.terminate()
    stopped = datetime.now(UTC)
    moments: list[datetime] = []

    def another_minute() -> bool:
        if not moments or moments[-1].minute != datetime.now(UTC).minute:
            moments.append(add_event(database).astimezone(UTC))
        return datetime.now(UTC) > stopped + 3 * MINUTE + timedelta(seconds=5)

    airflow.until(another_minute, "three ticks without a scheduler", seconds=240)
    before = {run["dag_run_id"] for run in airflow.runs("events")}
    airflow.start("scheduler")
    wait_for_run_beyond(airflow, moments[-1])
    assert len(moments) >= 4

    ticks = [datetime.fromisoformat(run["data_interval_end"]) for run in airflow.runs("events")]
    skipped = [moment for moment in moments[:-1] if not any(moment < tick <= moment + MINUTE for tick in ticks)]
    assert skipped, "a tick was left out, as catchup: false has it"
    assert {"success"} == {run["state"] for run in airflow.runs("events") if run["dag_run_id"] not in before} | {
        "success"
    }
    expected = list(range(1, OLD + len(moments) + 1))
    assert expected == loaded(airflow)

    airflow.command(
        "airflow", "backfill", "create", "--dag-id", "events", "--from-date", "2015-03-01T00:00:00+00:00",
        "--to-date", "2015-03-01T00:00:00+00:00",
    )  # fmt: skip
    (backfilled,) = [run for run in airflow.runs("events") if run["run_type"] == "backfill"]
    assert "success" == airflow.wait_for_run("events", backfilled["dag_run_id"])["state"]
    with open_history(airflow.project.settings().ops).read() as connection:
        record = find_run(connection, "events", run_id=backfilled["dag_run_id"])
    assert record is not None
    assert {"events": record.window} == record.ranges
    assert expected == loaded(airflow)[: len(expected)]
