"""Steps as Airflow's operators: what decides, what is skipped, how it is drawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    DagRunTriggerException,
    DownstreamTasksSkipped,
    TaskDeferred,
)
from airflow.serialization.serialized_objects import DagSerialization

from dataflow.errors import StepError
from dataflow.factory.dag import build_dag
from dataflow.factory.trigger import triggered_run_id
from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from factory.test_tasks import Run
from kit.project import MOCK_CONFIG, Project

STEPS = """
from __future__ import annotations

from dataflow import StepContext, StepResult


def note(ctx: StepContext) -> None:
    ctx.log.info("noted")


def closed(ctx: StepContext) -> StepResult:
    return StepResult.fail("It is closed", "QUALITY_GATE")


def route(ctx: StepContext) -> str:
    return "left"
"""


def note(**more: Any) -> dict[str, Any]:
    return {"run": "note", **more}


class Airflow(Run):
    """A run whose tasks push to XCom too."""

    def __init__(self) -> None:
        super().__init__()
        self.pushed: dict[tuple[str, str], Any] = {}

    def context(self, task_id: str, **params: Any) -> dict[str, Any]:
        context = super().context(task_id, **params)
        context["ti"].xcom_push = lambda *, key, value: self.pushed.update({(task_id, key): value})
        context["ti"].map_index = -1
        context["ti"].id = task_id
        return context


def built(project: Project, *steps: Any, **config: Any) -> Any:
    project.write_workflow("shop", {**MOCK_CONFIG, "steps": list(steps), **config}, steps=STEPS)
    return build_dag(project.workflow("shop"), project.settings())


def skipped_by(task: Any, run: Airflow, **params: Any) -> set[str]:
    with pytest.raises(DownstreamTasksSkipped) as raised:
        task.execute(run.context(task.task_id, **params))
    return set(raised.value.tasks)


def test_a_choice_skips_the_way_not_taken_and_its_join_runs_all_the_same(project: Project) -> None:
    ways = {"then": [note()], "else": [note(name="other")]}
    flag = {"full": {"type": "boolean", "default": False}}
    steps = ({"choice": "how", "when": "params.full", **ways}, "ingest", "transform")
    dag, again = (built(project, *steps, params=flag) for _ in range(2))

    run = Airflow()

    assert {"else.other"} == skipped_by(dag.get_task("how"), run, full=True)
    assert {"then.note"} == skipped_by(again.get_task("how"), run, full=False)
    assert {"way": "else"} == run.pushed["how", "return_value"]
    join = dag.get_task("how.join")
    assert ({"then.note", "else.other"}, "none_failed_min_one_success") == (join.upstream_task_ids, join.trigger_rule)
    assert {"how.join"} == dag.get_task("ingest.events").upstream_task_ids


def test_an_empty_branch_leads_from_the_choice_to_the_join(project: Project) -> None:
    dag = built(project, {"choice": "route", "branches": {"left": [], "right": [note()]}}, "ingest", "transform")

    assert {"route", "right.note"} == dag.get_task("route.join").upstream_task_ids
    assert {"right.note"} == skipped_by(dag.get_task("route"), Airflow())


def test_a_gate_that_says_no_fails_without_another_try_and_run_history_says_why(project: Project) -> None:
    dag = built(project, {"gate": "closed"}, "ingest", "transform")

    with pytest.raises(AirflowFailException, match="It is closed"):
        dag.get_task("closed").execute(Airflow().context("closed"))

    story = read_run(open_history(project.settings().ops), "scheduled__1")
    assert [("QUALITY_GATE", "It is closed")] == [(row["category"], row["message"]) for row in story.anomalies]


def test_a_gate_that_skips_skips_everything_behind_it(project: Project) -> None:
    choice = {"choice": "route", "branches": {"left": [], "right": [note()]}}
    dag = built(project, "ingest", {"gate": "closed", "otherwise": "skip"}, choice, "transform", "publish")

    run = Airflow()
    skipped = skipped_by(dag.get_task("closed"), run)

    assert {"route", "right.note", "route.join", "transform.events", "publish"} == skipped


def test_an_approval_waits_without_a_worker_and_says_what_is_asked(project: Project) -> None:
    asked = {"approve": {"subject": "Publish {{ window.start | date }}?", "timeout": "1d"}}
    task = built(project, "ingest", "transform", asked, "publish", execution_timeout="5m").get_task("approve")

    assert (timedelta(days=1), None, ()) == (task.response_timeout, task.execution_timeout, task.template_fields)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"chosen_options": ["Reject"], "responded_by_user": {"id": "1", "name": "Ada"}}, "refused by Ada"),
        ({"error": "The response timeout has passed", "error_type": "timeout"}, "nobody answered in time"),
    ],
)
def test_an_approval_that_is_not_given_fails_the_run(project: Project, event: dict[str, Any], message: str) -> None:
    dag = built(project, "ingest", "transform", {"approve": {"subject": "Well?"}}, "publish")
    run = Airflow()
    dag.get_task("ingest.events").execute(run.context("ingest.events"))

    with pytest.raises(AirflowFailException, match=message):
        dag.get_task("approve").execute_complete(run.context("approve"), event)

    story = read_run(open_history(project.settings().ops), "scheduled__1")
    assert [("APPROVAL", message)] == [(row["category"], row["message"]) for row in story.anomalies]


def test_an_approval_lets_the_run_go_on_or_skips_the_rest(project: Project) -> None:
    asked = {"approve": {"subject": "Well?", "otherwise": "skip"}}
    task = built(project, "ingest", "transform", asked, "publish").get_task("approve")

    assert {"approved": True} == task.execute_complete(Airflow().context("approve"), {"chosen_options": ["Approve"]})
    with pytest.raises(DownstreamTasksSkipped) as raised:
        task.execute_complete(Airflow().context("approve"), {"chosen_options": ["Reject"]})
    assert ["publish"] == raised.value.tasks


def test_a_trigger_starts_one_run_for_each_of_ours_however_often_it_is_tried(project: Project) -> None:
    project.write_workflow("report")
    task = built(project, "ingest", "transform", {"trigger": {"workflow": "report"}}).get_task("trigger.report")
    run = Airflow()

    with pytest.raises(DagRunTriggerException) as raised:
        task.execute(run.context("trigger.report"))
    started = raised.value.dag_run_id
    run.states[started] = "running"

    assert triggered_run_id("shop", "trigger.report", "scheduled__1") == started
    assert task.execute(run.context("trigger.report")) is None


def test_a_trigger_that_waits_fails_with_the_run_that_it_started(project: Project) -> None:
    project.write_workflow("report")
    waits = {"trigger": {"workflow": "report", "wait": True}}
    task = built(project, "ingest", "transform", waits).get_task("trigger.report")
    run = Airflow()
    run.states[triggered_run_id("shop", "trigger.report", "scheduled__1")] = "failed"

    with pytest.raises(AirflowFailException, match="of report failed"):
        task.execute(run.context("trigger.report"))

    [anomaly] = read_run(open_history(project.settings().ops), "scheduled__1").anomalies
    assert ("WORKFLOW_FAILURE", "trigger.report") == (anomaly["category"], anomaly["task_id"])


def test_a_trigger_waits_in_the_triggerer_for_as_long_as_its_step_says(project: Project) -> None:
    project.write_workflow("report")
    waits = {"trigger": {"workflow": "report", "wait": True}, "timeout": "2h"}
    task = built(project, "ingest", "transform", waits).get_task("trigger.report")
    run = Airflow()
    started = triggered_run_id("shop", "trigger.report", "scheduled__1")
    run.states[started] = "running"

    with pytest.raises(TaskDeferred) as deferred:
        task.execute(run.context("trigger.report"))
    assert (timedelta(hours=2), [started]) == (deferred.value.timeout, deferred.value.trigger.run_ids)

    with pytest.raises(StepError, match="of report did not end within 2h"):
        task.resume_execution("__fail__", {"error": "Trigger timeout"}, run.context("trigger.report"))
    run.states[started] = "success"
    assert {"run_id": started} == task.resume_execution("ended", {"event": {}}, run.context("trigger.report"))


def test_a_step_may_have_its_own_limits(project: Project) -> None:
    dag = built(project, {"ingest": {}, "timeout": "1h", "retries": 7}, note(retries=0), "transform")

    task = dag.get_task("ingest.events")
    assert (timedelta(hours=1), 7, 0) == (task.execution_timeout, task.retries, dag.get_task("note").retries)


def test_branches_are_drawn_as_boxes_whose_tasks_do_not_repeat_their_name(project: Project) -> None:
    ways = {"left": [note(), "ingest"], "right": [note()]}
    dag = built(project, {"parallel": ways}, "transform")

    assert {"parallel1-left", "parallel1-right", "transform"} == {
        key for key in dag.task_group.children if key in dag.task_group_dict
    }
    task = dag.get_task("left.note")
    assert ("note", "parallel1-left") == (task.task_display_name, task.task_group.group_id)
    assert "parallel1-left" == dag.task_group_dict["ingest"].parent_group.group_id


def test_every_kind_of_step_survives_serialization_and_can_be_drawn(project: Project) -> None:
    project.write_workflow("report")
    inner = {"choice": "deep", "when": "params.full", "then": [note(name="dig")]}
    dag = built(
        project,
        "ingest",
        {"gate": "closed"},
        {"choice": "how", "when": "params.full", "then": [note(), inner], "else": []},
        {"choice": "again", "when": "params.full", "else": [note(name="other")]},
        {"parallel": {"left": [note()], "right": [note()]}},
        "transform",
        {"approve": {"subject": "Well?"}},
        "publish",
        {"trigger": {"workflow": "report"}},
        params={"full": {"type": "boolean", "default": False}},
    )

    read = DagSerialization.from_dict(DagSerialization.to_dict(dag))

    assert set(dag.task_ids) == set(read.task_dict)
    # What the graph and the grid are drawn from; it raises where boxes wait for each other.
    assert len(list(read.task_group.topological_sort())) == len(read.task_group.children)
