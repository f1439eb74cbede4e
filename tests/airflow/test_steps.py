"""Steps under a real scheduler: one Airflow for the whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from kit.airflow_home import AirflowHome
from kit.project import MOCK_CONFIG, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

STEPS = """
from __future__ import annotations

from dataflow import StepContext, StepResult


def enough_rows(ctx: StepContext) -> StepResult:
    rows = ctx.output("ingest.events").rows
    return StepResult.ok({"rows": rows}) if rows >= 5 else StepResult.fail(f"Too few: {rows}", "QUALITY_GATE")


def closed(ctx: StepContext) -> StepResult:
    return StepResult.fail("It is closed", "QUALITY_GATE")


def note(ctx: StepContext, word: str = "") -> StepResult:
    return StepResult.ok(output={"word": word})


def route(ctx: StepContext) -> str:
    return "nothing" if ctx.output("how")["way"] == "else" else "something"
"""


def note(name: str, **given: Any) -> dict[str, Any]:
    return {"run": "note", "name": name, "with": given}


ONCE = {**MOCK_CONFIG, "schedule": "manual", "retries": 0, "params": {"full": {"type": "boolean", "default": False}}}
GREEN = {
    **ONCE,
    "steps": [
        "ingest",
        {"gate": "enough_rows"},
        {"choice": "how", "when": "params.full", "then": [note("note")], "else": [note("note", word="slowly")]},
        {"choice": "route", "branches": {"nothing": [], "something": [note("work")]}},
        {"parallel": {"left": [note("one")], "right": [note("one"), note("two")]}},
        "transform",
        {"approve": {"subject": "Publish {{ window.start | date }}?"}},
        "publish",
        {"trigger": {"workflow": "report", "wait": True}},
    ],
}
ASKS_OTHERS = {
    **{key: value for key, value in ONCE.items() if key != "sources"},
    "steps": [
        {
            "parallel": {
                "fails": [{"trigger": {"workflow": "closed", "wait": True}}],
                "late": [{"trigger": {"workflow": "asleep", "wait": True}, "timeout": "5s"}],
            }
        }
    ],
}
CLOSED = {**ONCE, "steps": ["ingest", {"gate": "closed"}, "transform", "publish"]}
SKIPS = {
    **ONCE,
    "steps": [
        "ingest",
        "transform",
        {"gate": "closed", "otherwise": "skip"},
        {"choice": "how", "when": "params.full", "then": [note("note")]},
        "dbt",
        "publish",
    ],
}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowHome]:
    folder = tmp_path_factory.mktemp("airflow")
    project = Project(folder / "project", dbt=True)
    project.write_workflow("green", GREEN, steps=STEPS)
    project.write_workflow("closed", CLOSED, steps=STEPS)
    project.write_workflow("skips", SKIPS, steps=STEPS)
    project.write_model("skips", "counted", "select count(*) as n from {{ source('staging', 'events') }}")
    project.write_workflow("report", ONCE)
    project.write_workflow("asleep", ONCE)
    project.write_workflow("asks_others", ASKS_OTHERS)
    with AirflowHome(project, folder / "home") as home:
        home.prepare()
        home.start("api-server", "scheduler", "dag-processor", "triggerer")
        yield home


def anomalies(airflow: AirflowHome, run_id: str) -> list[tuple[str, str]]:
    story = read_run(open_history(airflow.project.settings().ops), run_id)
    return [(row["category"], row["message"]) for row in story.anomalies]


def test_every_kind_of_step_runs_green_and_its_choices_go_one_way(airflow: AirflowHome) -> None:
    airflow.wait_for_dag("report")
    airflow.wait_for_dag("green")

    run_id = airflow.trigger("green")
    asked = airflow.answer("green", run_id, "approve", "Approve")
    run = airflow.wait_for_run("green", run_id)

    assert run["state"] == "success", airflow.failures("green", run_id)
    states = airflow.tasks("green", run_id)
    assert {task for task, state in states.items() if state == "skipped"} == {"then.note", "something.work"}
    assert {state for task, state in states.items() if task not in ("then.note", "something.work")} == {"success"}
    window = read_run(open_history(airflow.project.settings().ops), run_id).run.window
    assert window is not None
    assert asked == f"Publish {window.start:%Y-%m-%d}?"


def test_a_trigger_that_is_cleared_starts_no_second_run(airflow: AirflowHome) -> None:
    [run] = airflow.runs("green")
    before = airflow.runs("report")
    body = {"dry_run": False, "task_ids": ["trigger.report"], "dag_run_id": run["dag_run_id"], "only_failed": False}
    airflow.api.post("/dags/green/clearTaskInstances", body)

    assert airflow.wait_for_run("green", run["dag_run_id"])["state"] == "success"
    assert [1, 1] == [len(before), len(airflow.runs("report"))]


def test_a_refused_approval_fails_the_run_and_nothing_after_it_runs(airflow: AirflowHome) -> None:
    run_id = airflow.trigger("green", conf={"full": True})
    airflow.answer("green", run_id, "approve", "Reject")

    assert airflow.wait_for_run("green", run_id)["state"] == "failed"
    states = airflow.tasks("green", run_id)
    assert ("failed", "upstream_failed") == (states["approve"], states["publish"])
    assert ("APPROVAL", "refused by admin") in anomalies(airflow, run_id)


def test_a_gate_that_says_no_fails_the_run_and_nothing_after_it_runs(airflow: AirflowHome) -> None:
    airflow.wait_for_dag("closed")

    run = airflow.run("closed")

    assert run["state"] == "failed"
    assert {
        "ingest.events": "success",
        "closed": "failed",
        "transform.events": "upstream_failed",
        "publish": "upstream_failed",
    } == airflow.tasks("closed", run["dag_run_id"])
    assert ("QUALITY_GATE", "It is closed") in anomalies(airflow, run["dag_run_id"])


def test_a_trigger_that_waits_fails_with_the_other_run_or_when_its_time_is_up(airflow: AirflowHome) -> None:
    airflow.wait_for_dag("closed")
    airflow.until(lambda: airflow.api.find("/dags/asleep"), "asleep is a DAG")  # paused, its runs never begin
    airflow.wait_for_dag("asks_others")

    run = airflow.run("asks_others")

    run_id = run["dag_run_id"]
    assert {"fails.trigger.closed": "failed", "late.trigger.asleep": "failed"} == airflow.tasks("asks_others", run_id)
    failed, late = sorted(anomalies(airflow, run_id))
    assert ("WORKFLOW_FAILURE", "WORKFLOW_FAILURE") == (failed[0], late[0])
    told = {message.partition(" of ")[2] for _, message in (failed, late)}
    assert {"closed failed", "asleep did not end within 5s"} == told


def test_a_gate_that_skips_skips_the_models_too_and_the_run_is_green(airflow: AirflowHome) -> None:
    airflow.wait_for_dag("skips")

    run = airflow.run("skips")

    assert run["state"] == "success", airflow.failures("skips", run["dag_run_id"])
    states = airflow.tasks("skips", run["dag_run_id"])
    ran = {"ingest.events", "transform.events", "closed"}
    assert {task for task, state in states.items() if state == "success"} == ran
    assert {state for task, state in states.items() if task not in ran} == {"skipped"}
    assert {"how.join", "dbt.counted_run", "publish"} <= states.keys()
