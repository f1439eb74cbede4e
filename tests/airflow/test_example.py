"""The example that describes the product, under a real scheduler: its sources are fakes, its approval a person."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from kit.airflow_home import AirflowHome
from kit.example import SOUND, TOKEN, Fakes, outcome_of, write_example

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.postgres]

PATIENCE = 600
OUT_OF_THE_WAY = {"then.rebuild", "monthly.monthly", "weekly.weekly"}


def last_window() -> datetime:
    """Give when the window begins that a new schedule runs first: the last whole day, from two to two in Berlin."""
    berlin = datetime.now(ZoneInfo("Europe/Berlin"))
    today = berlin.replace(hour=2, minute=0, second=0, microsecond=0)
    tick = today if today <= berlin else today - timedelta(days=1)
    return (tick - timedelta(days=1)).astimezone(ZoneInfo("UTC"))


@pytest.fixture
def fakes() -> Iterator[Fakes]:
    with ExitStack() as open_:
        yield Fakes(last_window(), open_=open_)


def test_the_example_runs_green_on_its_schedule(tmp_path: Path, fakes: Fakes) -> None:
    project = write_example(tmp_path / "project")
    with AirflowHome(project, tmp_path / "home", **fakes.environment()) as airflow:
        airflow.prepare()
        airflow.start("api-server", "scheduler", "dag-processor", "triggerer")
        airflow.wait_for_dag("shop_report")
        airflow.wait_for_dag("shop")
        [begun] = airflow.until(lambda: airflow.runs("shop"), "the schedule starts a run")
        run_id = begun["dag_run_id"]

        asked = airflow.answer("shop", run_id, "approve", "Approve", seconds=PATIENCE)
        run = airflow.wait_for_run("shop", run_id, seconds=PATIENCE)

        assert ("success", "scheduled") == (run["state"], run["run_type"]), airflow.failures("shop", run_id)
        assert f"Publish {last_window():%Y-%m-%d}?" == asked
        states = airflow.tasks("shop", run_id)
        skipped = {task for task, state in states.items() if state == "skipped"}
        assert "then.rebuild" in skipped
        assert 2 == len(skipped & OUT_OF_THE_WAY) == len(skipped)
        assert {"success"} == {state for task, state in states.items() if task not in skipped}
        assert {"wait_for.0", "dbt.daily_sales.run", "dbt.daily_sales.test", "publish"} <= states.keys()
        assert SOUND == outcome_of(project, fakes)
        assert {f"Bearer {TOKEN}"} == {sent.headers["authorization"] for sent in fakes.api.asked}
        assert [] == fakes.hook.got, "nobody is told of what went well"

        [report] = airflow.until(lambda: airflow.runs("shop_report"), "the report was triggered")
        assert "success" == airflow.wait_for_run("shop_report", report["dag_run_id"], seconds=PATIENCE)["state"]
