from __future__ import annotations

from typing import Any

import pytest

from dataflow.ops.history import open_history
from dataflow.runtime.local.run import StepEvent, run_workflow
from dataflow.warehouse.create import create_warehouse
from kit.project import MOCK_CONFIG, Project
from kit.receivers import web_receiver
from kit.store import bucket

STEPS = "def ready(ctx):\n    return ctx.params['open']\n"


def run(
    project: Project, *waiting: dict[str, Any], must_be_there: bool = False, **params: Any
) -> tuple[str, list[StepEvent]]:
    config = {**MOCK_CONFIG, "wait_for": list(waiting), "params": {"open": {"type": "boolean", "default": True}}}
    project.write_workflow("shop", config, steps=STEPS)
    settings = project.settings()
    open_history(settings.ops).create()
    create_warehouse(settings, ["shop"])
    events: list[StepEvent] = []
    result = run_workflow(
        project.workflow("shop"), settings=settings, params=params, progress=events.append, must_be_there=must_be_there
    )
    return result.status, [
        event for event in events if event.task_id.startswith("wait_for.") and event.state != "started"
    ]


def test_a_file_that_is_there_is_found_by_its_path_of_the_window(project: Project) -> None:
    from datetime import UTC, datetime, timedelta

    yesterday = datetime.now(UTC) - timedelta(days=1)
    project.write_file(f"include/workflows/shop/data/{yesterday:%Y-%m-%d}/_SUCCESS", "")

    status, [event] = run(project, {"file": "data/{{ window.start | date }}/_SUC*"})

    assert ("success", "succeeded") == (status, event.state)


def test_what_is_not_there_is_told_and_the_run_goes_on(project: Project) -> None:
    status, [event] = run(project, {"file": "data/_SUCCESS"})

    assert ("success", "skipped") == (status, event.state)
    assert "not there yet, and not waited for here: data/_SUCCESS" == event.message


def test_on_the_real_data_what_is_not_there_fails_the_run(project: Project) -> None:
    status, [event] = run(project, {"file": "data/_SUCCESS"}, must_be_there=True)

    assert ("failed", "failed") == (status, event.state)
    assert "data/_SUCCESS is not there yet" in event.message


@pytest.mark.parametrize(("opened", "state"), [(True, "succeeded"), (False, "skipped")])
def test_a_function_says_whether_to_go_on(project: Project, opened: bool, state: str) -> None:
    _, [event] = run(project, {"python": "ready"}, open=opened)

    assert state == event.state


@pytest.mark.parametrize(("status", "state"), [(204, "succeeded"), (503, "skipped")])
def test_an_address_is_there_when_it_answers_with_success(project: Project, status: int, state: str) -> None:
    with web_receiver(status=status) as receiver:
        _, [event] = run(project, {"http": f"http://127.0.0.1:{receiver.port}/ready"})

    assert state == event.state


def test_nobody_answering_is_not_there_yet(project: Project) -> None:
    _, [event] = run(project, {"http": "http://127.0.0.1:9/ready"})

    assert "skipped" == event.state


def test_a_query_only_airflow_can_ask(project: Project) -> None:
    status, [event] = run(project, {"sql": "select 1", "connection": "shop_db"}, must_be_there=True)

    assert ("success", "skipped") == (status, event.state)
    assert event.message.startswith("only Airflow can look")


def test_an_object_in_s3_is_looked_for_through_its_connection(project: Project) -> None:
    with bucket() as store:
        waiting = {"file": f"{store.place('orders')}/*/_SUCCESS"}
        _, [before] = run(project, waiting)
        store.put("orders/2025-01-01/_SUCCESS", "")
        _, [after] = run(project, waiting)

    assert ("skipped", "succeeded") == (before.state, after.state)
    assert before.message.startswith("not there yet")


@pytest.mark.parametrize(("must_be_there", "expected"), [(False, ("success", "skipped")), (True, ("failed", "failed"))])
def test_a_bucket_that_cannot_be_reached_stops_a_run_on_the_real_data_only(
    project: Project, must_be_there: bool, expected: tuple[str, str]
) -> None:
    status, [event] = run(project, {"file": "s3://nobody@inbox/_SUCCESS"}, must_be_there=must_be_there)

    assert expected == (status, event.state)
    assert "there is no connection 'nobody'" in event.message


def test_a_folder_whose_name_is_a_pattern_is_taken_by_its_name(project: Project) -> None:
    project.write_file("[inbox]/orders.csv", "")

    _, [event] = run(project, {"file": str(project.root / "[[]inbox]" / "*.csv")})

    assert "succeeded" == event.state
