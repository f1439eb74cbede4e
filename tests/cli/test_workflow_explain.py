"""``dataflow workflow explain``: the steps, and SQL that does what a run does."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from kit.program import Program
from kit.project import Project

CONFIG = """
description: Orders.
owner: tests
sources:
  orders:
    type: file
    path: data/orders.csv
    format: csv
    columns: {order_id: BIGINT, customer_id: BIGINT, amount: BIGINT, day: DATE}
  customers:
    type: file
    path: data/customers.csv
    format: csv
    columns: {customer_id: BIGINT}
validate:
  orders:
    - range: {column: amount, min: 0}
    - relationships: {column: customer_id, to: customers.customer_id}
transform:
  orders:
    - deduplicate: {key: order_id, order_by: amount desc}
    - derive: {double: "amount * 2"}
    - filter: "amount > 10"
    - rename: {day: ordered_on}
    - check: {row_count: {min: 1}}
load:
  orders: {mode: merge, key: order_id}
"""
ORDERS = "order_id,customer_id,amount,day\n1,7,20,2025-01-01\n1,7,30,2025-01-01\n2,7,10,2025-01-02\n3,7,40,2025-01-03\n"


@pytest.fixture
def orders(project: Project) -> Project:
    project.write_workflow("orders", CONFIG)
    project.write_file("include/workflows/orders/data/orders.csv", ORDERS)
    project.write_file("include/workflows/orders/data/customers.csv", "customer_id\n7\n")
    return project


def explained(dataflow: Program) -> dict[str, Any]:
    answer = dataflow("workflow", "explain", "orders", "--json", "--window", "2025-01-05")
    assert 0 == answer.code, answer.err
    return {task["id"]: task for task in answer.json}


def statements(task: dict[str, Any], *, but: str = "") -> list[str]:
    return [sql for part in task["parts"] if not but or not part["name"].startswith(but) for sql in part["sql"]]


def test_the_steps_are_those_of_a_run_in_their_order(orders: Project, dataflow: Program) -> None:
    run = dataflow("workflow", "run", "orders", "--json").json

    assert run["completed_steps"] == list(explained(dataflow))


def test_the_sql_of_the_stages_and_the_load_makes_the_table_that_a_run_makes(
    orders: Project, dataflow: Program
) -> None:
    dataflow("workflow", "run", "orders", "--live", "--window", "2025-01-05")
    with duckdb.connect(str(orders.root / ".dataflow/warehouse.duckdb"), read_only=True) as warehouse:
        columns = "order_id, customer_id, amount, ordered_on, double"
        by_the_run = warehouse.execute(f"select {columns} from staging_orders.orders order by all").fetchall()
    task = explained(dataflow)["transform.orders"]
    file = orders.folder("orders") / "data" / "orders.csv"
    own = "'r' as _dataflow_run, timestamptz '2025-01-05' as _dataflow_window_start, now() as _dataflow_window_end"

    with duckdb.connect() as by_hand:
        by_hand.execute(f"create schema batch; create table batch.orders as select *, {own} from read_csv('{file}')")
        rows = ""
        for sql in statements(task, but="load"):
            by_hand.execute(sql)
            rows = sql.split('"')[1] if sql.startswith("CREATE TEMP") else rows
        staged = orders.root / "staged.parquet"
        by_hand.execute(f"copy (from {rows}) to '{staged}' (format parquet)")
        by_hand.execute("create schema staging_orders")
        by_hand.execute(f"create table staging_orders.orders as from {rows} with no data")
        for sql in statements(task, but=""):
            if sql in task["parts"][-1]["sql"]:
                by_hand.execute(sql.replace("<staged rows>", str(staged)))
        found = by_hand.execute(f"select {columns} from staging_orders.orders order by all").fetchall()

    assert 2 == len(by_the_run)
    assert by_the_run == found


def test_the_sql_of_a_check_finds_the_failing_rows(orders: Project, dataflow: Program) -> None:
    parts = {part["name"]: part["sql"] for part in explained(dataflow)["validate.orders"]["parts"]}

    with duckdb.connect() as connection:
        connection.execute(
            "create table orders as select * from (values (1, 7, 5), (2, 8, -5)) t(order_id, customer_id, amount)"
        )
        connection.execute("create table customers as select 7 as customer_id")
        connection.execute("create table _dataflow_loaded_customers as select 9 as customer_id")
        counted, failing = parts["range_amount"]
        assert (2, 1) == connection.execute(counted).fetchone()
        assert [(2, 8, -5)] == connection.execute(failing).fetchall()
        view, counted, failing = parts["relationships_customer_id"]
        connection.execute(view)
        assert [(2, 8, -5)] == connection.execute(failing).fetchall()


def test_an_anomaly_shows_what_it_measures_and_what_that_is_compared_with(orders: Project, dataflow: Program) -> None:
    config = CONFIG.replace("validate:\n  orders:\n", "validate:\n  orders:\n    - anomaly: {metric: row_count}\n")
    stage = "    - check: {anomaly: {metric: sum, column: amount}}\n"
    orders.write_workflow("orders", config.replace("load:", f"{stage}load:"))

    tasks = explained(dataflow)

    in_validate = tasks["validate.orders"]["parts"][0]
    in_stage = next(part for part in tasks["transform.orders"]["parts"] if "anomaly" in part["name"])
    assert "judged from 7 completed windows on; 0 are known" == in_validate["note"] == in_stage["note"]
    with duckdb.connect() as connection:
        connection.execute("create table orders as select * from range(20)")
        assert [(20, 0, 20.0)] == connection.execute(in_validate["sql"][0]).fetchall()
    assert "sum(CAST" in in_stage["sql"][0]
    assert not (orders.root / ".dataflow").exists()


def test_nothing_is_read_and_no_code_of_the_author_runs(orders: Project, dataflow: Program) -> None:
    config = CONFIG + "  customers: {mode: replace}\n"
    config = config.replace("    - rename: {day: ordered_on}\n", "    - python: orders\n    - drop: [double]\n")
    orders.write_workflow(
        "orders", config, transform='raise SystemExit("it ran")\n\n\ndef orders(ctx, orders):\n    return orders\n'
    )
    (orders.folder("orders") / "data" / "orders.csv").unlink()

    parts = explained(dataflow)["transform.orders"]["parts"]

    python = next(part for part in parts if part["name"].endswith("python"))
    assert "calls transform:orders; what follows takes it to give back the columns that it got" == python["note"]
    assert parts[-1]["name"] == "load: merge"
    assert not (orders.root / ".dataflow").exists()


def test_sql_over_columns_that_nobody_names_is_known_when_it_runs(orders: Project, dataflow: Program) -> None:
    source = "    type: python\n    windowed: false\n  customers:"
    config = CONFIG[: CONFIG.index("    type: file")] + source + CONFIG.partition("  customers:")[2]
    orders.write_workflow("orders", config, ingestion="def orders(ctx):\n    return []\n")

    tasks = explained(dataflow)

    assert "known when it runs: the config does not name the columns of orders" in str(tasks["transform.orders"])
    assert "known when it runs" in tasks["validate.orders"]["parts"][0]["note"]
    assert tasks["transform.customers"]["parts"][-1]["sql"]


def test_people_read_a_tree(orders: Project, dataflow: Program) -> None:
    answer = dataflow("workflow", "explain", "orders", "--window", "2025-01-05")

    assert "ingest.orders: reads file data/orders.csv" in answer.out
    assert "\n  2 deduplicate\n    CREATE TEMP TABLE" in answer.out
    assert "\n  load: merge\n" in answer.out


STEPS = """
def enough(ctx): ...
def route(ctx): ...
def note(ctx, word="x"): ...
def open_today(ctx): ...
"""
WITH_STEPS = """
description: x
owner: x
start_date: 2025-01-01
sources: {events: {type: mock, columns: {event_id: BIGINT}}}
params: {full: {type: boolean, default: false}}
wait_for:
  - {file: "inbox/*.csv", timeout: 6h}
  - {python: open_today, poke_interval: 5m}
steps:
  - ingest
  - {gate: enough, otherwise: skip}
  - choice: how
    when: params.full
    then: [{run: note, with: {word: twice}}]
  - choice: route
    branches: {left: [{run: note}], right: []}
  - transform
  - approve: {subject: "Publish?", timeout: 1d}
  - publish
  - {trigger: {workflow: orders, wait: true}, timeout: 2h}
"""


def test_a_step_says_what_it_does_and_what_follows_from_it(orders: Project, dataflow: Program) -> None:
    orders.write_workflow("steps", WITH_STEPS, steps=STEPS)

    answer = dataflow("workflow", "explain", "steps", "--json")

    says = {task["id"]: task["says"] for task in answer.json}
    assert {
        "wait_for.0": "waits for file inbox/*.csv: looks every 1m, and fails after 6h",
        "wait_for.1": "waits until open_today of steps.py holds: looks every 5m, and fails after 1d",
        "ingest.events": "reads mock",
        "enough": "asks steps:enough; if it says no, skips how, then.note, how.join, route, left.note, route.join, "
        "transform.events, approve, publish, trigger.orders",
        "how": "goes one way by params.full: then: then.note; else: nothing",
        "then.note": "calls steps:note with word='twice'; later steps read what it returns",
        "how.join": "is where the ways of how meet: goes on when the one that was taken has ended",
        "route": "goes the way that steps:route names: left: left.note; right: nothing",
        "left.note": "calls steps:note; later steps read what it returns",
        "route.join": "is where the ways of route meet: goes on when the one that was taken has ended",
        "transform.events": "makes events and loads it: append",
        "approve": "asks somebody within 1d: Publish?; if it is refused or not answered in time, the run fails",
        "publish": "lets others read events",
        "trigger.orders": "starts a run of orders, waits for 2h at most until it ended, and fails if it failed",
    } == says
