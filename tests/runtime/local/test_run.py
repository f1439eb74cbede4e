"""A whole run, from a config to a snapshot, without Airflow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from dataflow.errors import InputError
from dataflow.interval import Interval
from dataflow.modelling.compile import compile_models
from dataflow.ops.history import open_history
from dataflow.ops.reading import list_runs, read_run
from dataflow.runtime.local.run import StepEvent, run_workflow
from dataflow.warehouse.snapshot import current_snapshot
from kit.named_orders import ORDERS, SHOP, WITH_NAMES, published, run
from kit.project import Project
from kit.runs import days


def test_a_run_brings_data_from_its_source_to_a_snapshot(shop):
    result = run(shop, window=days(0, 3))

    assert ("success", None) == (result.status, result.error)
    assert (
        "ingest.orders",
        "ingest.customers",
        "validate.orders",
        "transform.customers",
        "transform.orders",
        "publish",
    ) == result.completed_steps
    assert [(1, 500, "Ada"), (2, 750, "Grace")] == published(shop, "orders", columns="order_id, cents, name")


def test_who_watches_a_run_sees_how_far_a_step_is_and_what_it_made(project):
    project.write_workflow(
        "shop",
        {
            "description": "Rows.",
            "owner": "tests",
            "sources": {"orders": {"type": "python"}},
            "start_date": "2025-01-01",
        },
    )
    project.write_file(
        "include/workflows/shop/ingestion.py", "def orders(ctx):\n    yield [{'id': n} for n in range(7)]\n"
    )
    events: list[StepEvent] = []
    run_workflow(project.workflow("shop"), settings=project.settings(), progress=events.append)
    made = {event.task_id: (event.rows, bool(event.bytes)) for event in events if event.state == "succeeded"}

    assert "7 rows" in [event.message for event in events if event.state == "running"]
    assert {"ingest.orders": (7, True), "transform.orders": (7, True), "publish": (7, True)} == made


def test_a_run_again_gives_the_same_rows(shop):
    run(shop, window=days(0, 3))
    once = published(shop, "orders")
    run(shop, window=days(0, 3))

    assert once == published(shop, "orders")


def test_a_run_without_a_window_takes_the_last_complete_tick(shop):
    result = run(shop)
    window = read_run(open_history(shop.settings().ops), result.run_id).run.window

    assert (window.end - window.start).days == 1
    assert window.start.hour == 0


def test_run_history_tells_every_stage(shop):
    result = run(shop, window=days(0, 3))
    story = read_run(open_history(shop.settings().ops), result.run_id)

    assert "COMPLETED" == story.run.status
    assert [
        ("STARTED", ""),
        ("INGESTED", "ingest.orders"),
        ("INGESTED", "ingest.customers"),
        ("VALIDATED", "validate.orders"),
        ("TRANSFORMED", "transform.customers"),
        ("TRANSFORMED", "transform.orders"),
        ("PUBLISHED", "publish"),
        ("COMPLETED", ""),
    ] == [(stage.stage, stage.task_id) for stage in story.stages]
    assert {"succeeded"} == {stage.state for stage in story.stages}
    assert ["passed"] * 3 == [check["status"] for check in story.checks]


def test_progress_is_told_as_it_happens(shop):
    told: list[StepEvent] = []
    run(shop, window=days(0, 3), progress=told.append)

    assert [("ingest.orders", "started"), ("ingest.orders", "succeeded")] == [
        (event.task_id, event.state) for event in told[:2]
    ]
    assert 2 == told[1].rows


def test_a_check_that_fails_stops_the_run_before_anything_is_loaded(shop):
    shop.write_file("include/workflows/shop/data/orders.csv", ORDERS + "3,99,1.00,2025-01-02 11:00:00+00\n")
    result = run(shop, window=days(0, 3))
    story = read_run(open_history(shop.settings().ops), result.run_id)

    assert ("failed", "validate.orders") == (result.status, result.failed_step)
    assert "relationships_customer_id" in result.error
    assert "FAILED" == story.run.status
    assert ["DATA_QUALITY", "WORKFLOW_FAILURE"] == [each["category"] for each in story.anomalies]
    assert current_snapshot(shop.settings(), "shop") is None


def test_a_relationship_holds_with_what_was_loaded_before(shop):
    run(shop, window=days(0, 3))
    shop.write_file("include/workflows/shop/data/customers.csv", "customer_id,name\n12,Edsger\n")

    assert "success" == run(shop, window=days(0, 3)).status


def test_a_table_is_made_of_loaded_ones_and_of_batches(shop):
    config = SHOP | {
        "transform": {
            "spent": [{"sql": "select customer_id, sum(amount) as spent from orders group by 1"}],
            "arrived": [{"sql": "select order_id, _dataflow_cursor from batch.orders"}],
        },
        "load": SHOP["load"] | {"arrived": {"mode": "append"}},
    }
    shop.write_workflow("shop", config)
    run(shop, window=days(0, 1))
    run(shop, window=days(1, 2))
    result = run(shop, window=days(0, 2))

    assert ("success", None) == (result.status, result.error)
    assert [(10, 5.00), (11, 7.50)] == published(shop, "spent")
    assert [(1,), (2,)] == published(shop, "arrived")


def test_a_check_stage_is_judged_against_loaded_rows_too(shop):
    stage = {"check": {"relationships": {"column": "customer_id", "to": "customers.customer_id"}}}
    shop.write_workflow("shop", SHOP | {"validate": {}, "transform": {"orders": [stage]}})
    good = run(shop, window=days(0, 3))
    shop.write_file("include/workflows/shop/data/orders.csv", ORDERS + "3,99,1.00,2025-01-02 11:00:00+00\n")
    bad = run(shop, window=days(0, 3))

    assert ("success", "failed") == (good.status, bad.status)
    assert "transform.orders" == bad.failed_step


def test_a_run_follows_the_last_one_on_an_asset(project):
    config = {
        "description": "d",
        "owner": "o",
        "schedule": {"assets": ["warehouse/origin/events"]},
        "start_date": "2025-01-01",
        "sources": {"events": {"type": "mock", "rows": 2, "columns": {"n": "BIGINT"}}},
    }
    project.write_workflow("origin")
    project.write_workflow("report", config)
    results = [run(project, "report"), run(project, "report")]
    newest, first = list_runs(open_history(project.settings().ops))

    assert ["success", "success"] == [result.status for result in results]
    assert first.window.end == newest.window.start


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"wek": 1}, "no param wek; travel has week, count"),
        ({"count": "three"}, "params.count: 'three' is not of type 'integer'"),
        ({"week": "soon"}, "params.week: 'soon' is not a 'date'"),
    ],
)
def test_params_that_do_not_fit_are_refused_before_the_run(project, params, told):
    config = {
        "description": "d",
        "owner": "o",
        "params": {
            "week": {"type": "string", "format": "date", "default": None},
            "count": {"type": "integer", "default": 1},
        },
        "sources": {"events": {"type": "mock", "rows": 2, "columns": {"n": "BIGINT"}}},
        "schedule": "@daily",
        "start_date": "2025-01-01",
    }
    project.write_workflow("travel", config)

    with pytest.raises(InputError) as caught:
        run(project, "travel", params=params)

    assert told == str(caught.value)


def test_nothing_but_the_mark_of_the_daily_sweep_is_left_in_scratch(shop):
    run(shop, window=days(0, 3))
    shop.write_file("include/workflows/shop/transform.py", "def orders(ctx, orders):\n    return 1 / 0\n")
    run(shop, window=days(0, 3))

    assert [".swept"] == [path.name for path in shop.settings().scratch.rglob("*") if path.is_file()]


def test_a_run_that_is_stopped_by_hand_is_failed_in_history(shop):
    def stop(event: StepEvent) -> None:
        if event.task_id == "validate.orders":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(shop, window=days(0, 3), progress=stop)
    (left,) = list_runs(open_history(shop.settings().ops))

    assert ("FAILED", "validate.orders: stopped by hand") == (left.status, left.reason)


def test_an_explicit_window_is_kept_as_given(shop):
    window = Interval.from_json({"start": "2025-01-01T05:00:00+00:00", "end": "2025-01-01T18:00:00+00:00"})
    run(shop, window=window)
    (kept,) = list_runs(open_history(shop.settings().ops))

    assert (window, {"orders": window}, "given") == (kept.window, dict(kept.ranges), kept.window_from)


@pytest.mark.slow
def test_models_are_built_between_load_and_publish(tmp_path):
    project = Project(tmp_path, dbt=True)
    project.write_workflow("shop")
    project.write_model(
        "shop", "kinds", "select kind, count(*) as events from {{ source('staging', 'events') }} group by 1"
    )
    problems = compile_models(project.settings(), [project.workflow("shop")])
    result = run(project, window=days(0, 1))
    story = read_run(open_history(project.settings().ops), result.run_id)

    assert ((), "success", None) == (tuple(problems), result.status, result.error)
    assert [(5,)] == published(project, "kinds", columns="sum(events)::int")
    assert ("MODELLED", "dbt", 1) == [(stage.stage, stage.task_id, stage.rows_out) for stage in story.stages][-3]


@pytest.mark.slow
def test_a_run_that_was_killed_is_told_and_the_next_one_gives_what_it_would_have(shop):
    """The kill comes while author code runs, with the batch landed and nothing loaded."""
    shop.write_file(
        "include/workflows/shop/transform.py",
        "import os, signal\n\n\ndef orders(ctx, orders):\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    code = "import dataflow; dataflow.run_workflow('shop')"
    environment = os.environ | {"DATAFLOW_PROJECT": str(shop.root)}
    killed = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    history = open_history(shop.settings().ops)
    (before,) = list_runs(history)
    story = read_run(history, before.run_id)
    shop.write_file("include/workflows/shop/transform.py", WITH_NAMES)
    result = run(shop, window=days(0, 3))

    assert -signal.SIGKILL == killed.returncode
    assert "step transform.orders, try 1 began and never ended (killed or lost)" == story.stages[-1].message
    assert ("FAILED", "success") == (read_run(history, before.run_id).run.status, result.status)
    assert [1, 2] == [row[0] for row in published(shop, "orders", columns="order_id")]
