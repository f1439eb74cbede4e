"""A whole run, from a config to a snapshot, without Airflow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import duckdb
import pytest

from dataflow.errors import InputError
from dataflow.interval import Interval
from dataflow.modelling.compile import compile_models
from dataflow.ops.history import open_history
from dataflow.ops.reading import list_runs, read_run
from dataflow.runtime.local import StepEvent, run_workflow
from dataflow.warehouse.snapshot import current_snapshot
from kit.project import Project
from kit.runs import days

ORDERS = "order_id,customer_id,amount,updated_at\n1,10,5.00,2025-01-01 10:00:00+00\n2,11,7.50,2025-01-02 09:00:00+00\n"
CUSTOMERS = "customer_id,name\n10,Ada\n11,Grace\n"
SHOP = {
    "description": "Orders of a shop.",
    "owner": "tests",
    "schedule": "@daily",
    "start_date": "2025-01-01",
    "sources": {
        "orders": {
            "type": "file",
            "path": "data/orders.csv",
            "format": "csv",
            "incremental": {"cursor": "updated_at"},
            "columns": {
                "order_id": "BIGINT",
                "customer_id": "BIGINT",
                "amount": "DECIMAL(12,2)",
                "updated_at": "TIMESTAMPTZ",
            },
        },
        "customers": {
            "type": "file",
            "path": "data/customers.csv",
            "format": "csv",
            "columns": {"customer_id": "BIGINT", "name": "VARCHAR"},
        },
    },
    "validate": {
        "orders": [
            {"not_null": ["order_id"]},
            {"relationships": {"column": "customer_id", "to": "customers.customer_id"}},
            {"sql": "select * from orders join customers using (customer_id) where name = 'Nobody'"},
        ]
    },
    "transform": {"orders": [{"derive": {"cents": "(amount * 100)::bigint"}}, {"python": "orders"}]},
    "load": {"orders": {"mode": "merge", "key": "order_id", "newest_by": "updated_at"}},
}
WITH_NAMES = """
from __future__ import annotations

from dataflow import StepContext, Table


def orders(ctx: StepContext, orders: Table, customers: Table) -> Table:
    names = customers.select("customer_id as id, name").set_alias("names")
    joined = orders.set_alias("placed").join(names, "placed.customer_id = names.id", how="left")
    return joined.select("placed.*, names.name")
"""


@pytest.fixture
def shop(project: Project) -> Project:
    project.write_workflow("shop", SHOP, transform=WITH_NAMES)
    project.write_file("include/workflows/shop/data/orders.csv", ORDERS)
    project.write_file("include/workflows/shop/data/customers.csv", CUSTOMERS)
    return project


def run(project: Project, name: str = "shop", **given: object):
    return run_workflow(project.workflow(name), settings=project.settings(), **given)


def published(project: Project, table: str, *, columns: str = "*", name: str = "shop") -> list[tuple]:
    snapshot = current_snapshot(project.settings(), name)
    return duckdb.sql(f"select {columns} from '{snapshot.parquet(table)}' order by all").fetchall()


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


def test_author_code_that_crashes_is_told_with_its_line(shop):
    shop.write_file("include/workflows/shop/transform.py", "def orders(ctx, orders, customers):\n    return 1 / 0\n")
    result = run(shop, window=days(0, 3))

    assert "transform.orders" == result.failed_step
    assert "include/workflows/shop/transform.py:2: shop, transform:orders: ZeroDivisionError" in result.error


def test_a_function_gets_and_gives_dataframes_where_annotated_so(shop):
    code = """
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def orders(ctx, orders: pd.DataFrame, customers: "pd.DataFrame") -> pd.DataFrame:
    return orders.merge(customers, on="customer_id", how="left")
"""
    shop.write_file("include/workflows/shop/transform.py", code)
    result = run(shop, window=days(0, 3))

    assert ("success", None) == (result.status, result.error)
    assert [(1, "Ada"), (2, "Grace")] == published(shop, "orders", columns="order_id, name")


def test_a_function_may_give_an_arrow_table(shop):
    code = "def orders(ctx, orders):\n    return orders.to_arrow_table()\n"
    shop.write_file("include/workflows/shop/transform.py", code)

    assert ("success", None) == (run(shop, window=days(0, 3)).status, None)
    assert [(1,), (2,)] == published(shop, "orders", columns="order_id")


def test_a_dataframe_keeps_decimals_dates_and_whole_numbers_beside_nulls(project):
    config = {
        "description": "d",
        "owner": "o",
        "sources": {
            "trips": {
                "type": "python",
                "columns": {
                    "n": "BIGINT",
                    "price": "DECIMAL(12,2)",
                    "on_day": "DATE",
                    "at": "TIMESTAMPTZ",
                    "ok": "BOOLEAN",
                },
            }
        },
        "transform": {"trips": [{"python": "trips"}]},
    }
    code = """
def trips(ctx):
    yield [
        {"n": 9007199254740993, "price": "0.10", "on_day": "2025-01-01", "at": "2025-01-01T00:00:00Z", "ok": True},
        {"n": None, "price": None, "on_day": None, "at": None, "ok": None},
    ]
"""
    project.write_workflow(
        "travel", config, ingestion=code, transform="def trips(ctx, trips: 'DataFrame'):\n    return trips\n"
    )
    result = run(project, "travel")
    types = duckdb.sql(f"describe from '{current_snapshot(project.settings(), 'travel').parquet('trips')}'").fetchall()

    assert ("success", None) == (result.status, result.error)
    assert config["sources"]["trips"]["columns"] | {"at": "TIMESTAMP WITH TIME ZONE"} | {"price": "DECIMAL(12,2)"} == {
        row[0]: row[1] for row in types
    }
    assert [(9007199254740993, "0.10"), (None, None)] == published(
        project, "trips", columns="n, price::varchar", name="travel"
    )


@pytest.mark.parametrize("given", ["None", "[{'order_id': 1}]"])
def test_a_function_that_gives_no_table_is_told_what_to_return(shop, given):
    shop.write_file("include/workflows/shop/transform.py", f"def orders(ctx, orders):\n    return {given}\n")

    assert "return a table: a DuckDB relation, a DataFrame or an Arrow table" in run(shop, window=days(0, 3)).error


def test_rows_of_another_connection_are_refused(shop):
    code = "import duckdb\n\n\ndef orders(ctx, orders):\n    return duckdb.connect().sql('select 1 as order_id')\n"
    shop.write_file("include/workflows/shop/transform.py", code)

    assert "belong to another DuckDB connection" in run(shop, window=days(0, 3)).error


def test_a_python_source_sees_its_run(project):
    config = {
        "description": "d",
        "owner": "o",
        "schedule": "@daily",
        "start_date": "2025-01-01",
        "params": {"count": {"type": "integer", "default": 2}},
        "settings": {"unit": "km"},
        "sources": {
            "trips": {
                "type": "python",
                "windowed": True,
                "options": {"offset": 5},
                "columns": {"n": "BIGINT", "at": "VARCHAR"},
            }
        },
    }
    code = """
def trips(ctx, offset):
    for n in range(ctx.params["count"]):
        yield [{"n": n + offset, "at": ctx.window.start.isoformat() + ctx.settings["unit"]}]
"""
    project.write_workflow("travel", config, ingestion=code)
    result = run(project, "travel", window=days(0, 1), params={"count": 3})

    assert ("success", None) == (result.status, result.error)
    assert [(n, "2025-01-01T00:00:00+00:00km") for n in (5, 6, 7)] == published(project, "trips", name="travel")


def test_a_python_source_that_crashes_halfway_lands_nothing(project):
    config = {
        "description": "d",
        "owner": "o",
        "sources": {"trips": {"type": "python", "columns": {"n": "BIGINT"}}},
    }
    code = "def trips(ctx):\n    yield [{'n': 1}]\n    raise RuntimeError('the well is dry')\n"
    project.write_workflow("travel", config, ingestion=code)
    result = run(project, "travel")

    assert "include/workflows/travel/ingestion.py:3: " in result.error
    assert [] == list(project.settings().landing.rglob("manifest.json"))


def test_checks_of_the_author_are_judged_and_kept(shop):
    code = """
from dataflow import CheckResult


def orders(ctx, orders):
    rows = orders.count("*").fetchone()[0]
    yield CheckResult("few", rows < 2, failures=rows, message=f"{rows} rows", on_fail="warn")
    yield CheckResult("some", rows > 0)
"""
    shop.write_file("include/workflows/shop/validation.py", code)
    result = run(shop, window=days(0, 3))
    story = read_run(open_history(shop.settings().ops), result.run_id)

    assert "success" == result.status
    assert [("few", "warned"), ("some", "passed")] == [(c["name"], c["status"]) for c in story.checks[-2:]]


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
