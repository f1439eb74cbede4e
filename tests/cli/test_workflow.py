from __future__ import annotations

import pytest

from kit.program import Program
from kit.project import MOCK_CONFIG, Project

PARAMS = """
description: x
owner: y
params:
  limit: {type: integer, default: 3}
  day: {type: string, format: date, default: null}
sources:
  events: {type: mock, rows: 4, columns: {a: BIGINT}}
start_date: 2025-01-01
"""


def test_a_run_in_the_sandbox_leaves_the_real_data_alone(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    answer = dataflow("workflow", "run", "events", "--window", "2025-01-05")

    assert 0 == answer.code, answer.err
    assert (project.root / ".dataflow/sandbox/events/published/events/current.json").is_file()
    assert not (project.root / ".dataflow/published/events").exists()
    assert not (project.root / ".dataflow/warehouse.duckdb").exists()


def test_a_live_run_is_in_run_history_and_can_be_queried(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    run = dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05", "--json").json
    listed = dataflow("runs", "list", "--json").json
    rows = dataflow("query", "events", "select count(*) as n from events", "--json").json

    assert "success" == run["status"]
    assert [(run["run_id"], "COMPLETED")] == [(row["run"], row["status"]) for row in listed]
    assert [{"n": 5}] == rows


def test_a_live_run_of_one_window_twice_gives_the_same_rows(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05")
    once = dataflow("query", "events", "select * from events order by all", "--json").json
    dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05")
    twice = dataflow("query", "events", "select * from events order by all", "--json").json

    assert once == twice


def test_runs_show_tells_each_stage(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    run_id = dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05", "--json").json["run_id"]

    story = dataflow("runs", "show", run_id, "--json").json

    ended = {(stage["stage"], stage["state"]) for stage in story["stages"]}
    assert {("INGESTED", "succeeded"), ("TRANSFORMED", "succeeded"), ("PUBLISHED", "succeeded")} <= ended


def test_a_run_that_fails_ends_with_2_and_its_anomaly_is_kept(project: Project, dataflow: Program) -> None:
    config = "description: x\nowner: y\nsources:\n  events: {type: python}\n"
    project.write_workflow(
        "bad", config, ingestion='def events(ctx):\n    """Fail."""\n    raise ValueError("no such thing")\n'
    )

    answer = dataflow("workflow", "run", "bad", "--live")
    run_id = dataflow("runs", "list", "--json").json[0]["run"]
    story = dataflow("runs", "show", run_id, "--json").json

    assert 2 == answer.code
    assert "no such thing" in answer.err
    assert "no such thing" in story["anomalies"][0]["message"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("limt=3", "no such param; did you mean 'limit'?"),
        ("limit=many", "is not an integer"),
        ("limit", "write name=value"),
    ],
)
def test_a_wrong_param_is_told_before_anything_runs(project: Project, dataflow: Program, given: str, told: str) -> None:
    project.write_workflow("events", PARAMS)

    answer = dataflow("workflow", "run", "events", "--param", given)

    assert 1 == answer.code
    assert told in answer.err


@pytest.mark.parametrize("given", ["yesterday", "2025-01-05/2025-01-05", "2025-02-30"])
def test_a_wrong_window_is_told_with_the_form(project: Project, dataflow: Program, given: str) -> None:
    project.write_workflow("events")

    answer = dataflow("workflow", "run", "events", "--window", given)

    assert 1 == answer.code
    assert "write a day, 2025-01-01, or start/end" in answer.err


def test_list_shows_a_broken_workflow_as_broken(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    project.write_workflow("broken", "nonsense: 1\n")

    rows = {row["name"]: row["state"] for row in dataflow("workflow", "list", "--json").json}

    assert {"events": "healthy", "broken": "broken"} == rows


@pytest.mark.parametrize(
    ("schedule", "shown"),
    [
        ("@daily", "@daily"),
        ({"cron": "@daily"}, "@daily"),
        ({"cron": "0 2 * * *", "timezone": "Europe/Berlin"}, "0 2 * * * Europe/Berlin"),
    ],
)
def test_list_shows_a_schedule_as_it_is_written(
    project: Project, dataflow: Program, schedule: object, shown: str
) -> None:
    project.write_workflow("events", {**MOCK_CONFIG, "schedule": schedule})

    assert [shown] == [row["schedule"] for row in dataflow("workflow", "list", "--json").json]


def test_query_takes_one_select_and_reads_nothing_else(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05")

    two = dataflow("query", "events", "select 1; select 2")
    file = dataflow("query", "events", "select * from read_text('/etc/hostname')")

    assert (1, 1) == (two.code, file.code)
    assert "exactly one SELECT" in two.err
    assert "Published tables of events: events" in file.err


def test_list_shows_a_workflow_whose_template_is_broken(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    project.write_file("include/templates/broken.yaml", "owner: x\nowner: y\n")
    project.write_workflow("orders", "extends: broken\ndescription: x\n")

    rows = {row["name"]: (row["state"], row["problems"]) for row in dataflow("workflow", "list", "--json").json}

    assert {"events": ("healthy", 0), "orders": ("broken", 1)} == rows
