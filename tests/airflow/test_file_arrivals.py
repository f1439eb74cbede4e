"""A new file starts a run, under a real scheduler and triggerer, whatever happens to the triggerer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dataflow.errors import ServiceError
from dataflow.service.processes import python_module
from kit.airflow_home import AirflowHome
from kit.project import MOCK_CONFIG, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

WATCHES: dict[str, Any] = {**MOCK_CONFIG, "schedule": {"file": "inbox/*.csv", "poke_interval": "1s"}}
INBOX = "include/workflows/watches/inbox"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowHome]:
    folder = tmp_path_factory.mktemp("arrivals")
    project = Project(folder / "project")
    project.write_workflow("watches", WATCHES)
    project.write_file(f"{INBOX}/first.csv", "a,b\n")
    with AirflowHome(project, folder / "home") as home:
        home.prepare()
        home.start("api-server", "scheduler", "dag-processor", "triggerer")
        home.wait_for_dag("watches")
        yield home


def events(airflow: AirflowHome) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = airflow.api.get("/assets/events", order_by="timestamp", limit=100)["asset_events"]
    except ServiceError:
        return []  # Airflow's answer is a 500 while a run that an event created has not begun
    return found


def told(airflow: AirflowHome) -> list[str]:
    """Give the name of each file of each event that created a run."""
    return [
        name.rpartition("/")[2]
        for event in events(airflow)
        if event["created_dagruns"]
        for name in event["extra"]["payload"]["files"]
    ]


def test_every_version_of_every_file_starts_a_run_and_none_is_deleted(airflow: AirflowHome) -> None:
    airflow.until(lambda: ["first.csv"] == told(airflow), "what was there already starts a run")

    for name in ("two.csv", "three.csv"):
        airflow.project.write_file(f"{INBOX}/{name}", "a,b\n")
    airflow.until(lambda: {"two.csv", "three.csv"} <= set(told(airflow)), "both new ones start runs")

    airflow.project.write_file(f"{INBOX}/first.csv", "a,b\n1,2\n")
    airflow.until(lambda: 2 == told(airflow).count("first.csv"), "a rewritten file starts another")

    triggerer = next(each for each in airflow.programs.running if each.name == "triggerer")
    airflow.programs.running.remove(triggerer)
    triggerer.process.kill()
    triggerer.process.communicate()
    airflow.project.write_file(f"{INBOX}/while_it_was_dead.csv", "a,b\n")
    airflow.programs.start("triggerer_again", python_module("airflow", "triggerer"))
    airflow.until(lambda: "while_it_was_dead.csv" in told(airflow), "the next triggerer sees what came")

    assert ["first.csv", "first.csv", "three.csv", "two.csv", "while_it_was_dead.csv"] == sorted(told(airflow))
    runs = airflow.runs("watches")
    ended = [airflow.wait_for_run("watches", run["dag_run_id"]) for run in runs]
    assert {("success", "asset_triggered")} == {(run["state"], run["run_type"]) for run in ended}
    inbox = airflow.project.root / INBOX
    assert {"first.csv", "three.csv", "two.csv", "while_it_was_dead.csv"} == {each.name for each in inbox.iterdir()}
