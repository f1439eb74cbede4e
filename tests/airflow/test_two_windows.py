"""Two windows of one workflow at once, under a real scheduler: the tables are those of a plain reference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dataflow.warehouse.connection import open_warehouse
from kit.airflow_home import AirflowHome
from kit.project import Project
from kit.spans import overlapping, span_of

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.timeout(1200)]

DAY = timedelta(days=1)

READS_WINDOWS = '''
import time
from datetime import timedelta


def rows_of(start):
    """A day's rows: some keys every day, some of them old news, and rows that carry the same as the day before."""
    day = start.toordinal()
    for key in range(60):
        if (key + day) % 3:
            age = timedelta(hours=(key * 7 + day * 5) % 60)
            yield {"key": key, "value": day * 1000 + key, "changed_at": start + timedelta(hours=23) - age}


def log(ctx):
    time.sleep(4)  # so that two runs are at work at once
    yield list(rows_of(ctx.window.start))


def latest(ctx):
    time.sleep(4)
    yield list(rows_of(ctx.window.start))
'''


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowHome]:
    folder = tmp_path_factory.mktemp("two_windows")
    project = Project(folder / "project")
    project.write_workflow("windows", of_windows(), ingestion=READS_WINDOWS)
    with AirflowHome(project, folder / "home") as home:
        home.prepare()
        home.start()
        yield home


def of_windows() -> dict[str, Any]:
    def source() -> dict[str, Any]:
        columns = {"key": "BIGINT", "value": "BIGINT", "changed_at": "TIMESTAMPTZ"}
        return {"type": "python", "columns": columns, "windowed": True}

    return {
        "description": "Days that are caught up two at once.",
        "owner": "tests",
        "schedule": "@daily",
        "start_date": (datetime.now(UTC) - 6 * DAY).date(),
        "catchup": True,
        "max_active_runs": 2,
        "retries": 2,
        "retry_delay": "1s",
        "sources": {"log": source(), "latest": source()},
        "load": {"log": {"mode": "append"}, "latest": {"mode": "merge", "key": "key", "newest_by": "changed_at"}},
    }


def test_windows_run_two_at_once_give_the_union(airflow: AirflowHome) -> None:
    airflow.wait_for_dag("windows")
    newest = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def runs() -> list[dict[str, Any]]:
        return [run for run in airflow.runs("windows") if run["state"] in {"success", "failed"}]

    airflow.until(lambda: len(runs()) >= 6, "six days are caught up", seconds=600)

    ended = runs()
    assert {"success"} == {run["state"] for run in ended}
    pairs = overlapping([(run["dag_run_id"], *span_of(run)) for run in ended])
    print(f"{len(ended)} windows, {len(pairs)} pairs of them at once")
    assert pairs

    made: dict[str, Any] = {}
    exec(READS_WINDOWS, made)
    rows = [row for run in ended for row in made["rows_of"](datetime.fromisoformat(run["data_interval_start"]))]
    latest: dict[int, dict[str, Any]] = {}
    for row in rows:  # of the earliest day first, so that a tie goes to the later window
        if row["key"] not in latest or row["changed_at"] >= latest[row["key"]]["changed_at"]:
            latest[row["key"]] = row
    assert newest == max(datetime.fromisoformat(run["data_interval_end"]) for run in ended)
    assert as_tuples(rows) == loaded(airflow, "log")
    assert as_tuples(latest.values()) == loaded(airflow, "latest")


def loaded(airflow: AirflowHome, table: str) -> list[tuple[Any, ...]]:
    query = f"SELECT key, value, epoch_ms(changed_at) FROM staging_windows.{table} ORDER BY ALL"
    with open_warehouse(airflow.project.settings(), purpose="read") as connection:
        return connection.execute(query).fetchall()


def as_tuples(rows: Any) -> list[tuple[Any, ...]]:
    return sorted((row["key"], row["value"], int(row["changed_at"].timestamp() * 1000)) for row in rows)
