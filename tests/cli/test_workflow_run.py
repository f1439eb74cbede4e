"""``dataflow workflow run``: going on from a step, failing rows, and runs on an Airflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflow.testing.fake_api import FakeApi
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
    columns: {order_id: BIGINT, amount: BIGINT}
validate:
  orders:
    - range: {column: amount, min: 1}
transform:
  orders:
    - python: orders
"""
BROKEN = 'def orders(ctx, orders):\n    """Fail."""\n    raise ValueError("not yet")\n'
MENDED = 'def orders(ctx, orders):\n    """Mended."""\n    return orders\n'


@pytest.fixture
def orders(project: Project) -> Project:
    project.write_workflow("orders", CONFIG, transform=BROKEN)
    project.write_file("include/workflows/orders/data/orders.csv", "order_id,amount\n1,10\n")
    return project


def write_rows(project: Project, rows: str) -> None:
    project.write_file("include/workflows/orders/data/orders.csv", f"order_id,amount\n{rows}")


@pytest.mark.parametrize("where", [(), ("--live",)])
def test_a_mended_run_goes_on_from_the_step_that_failed(
    orders: Project, dataflow: Program, where: tuple[str, ...]
) -> None:
    failed = dataflow("workflow", "run", "orders", "--json", *where).json
    orders.write_workflow("orders", CONFIG, transform=MENDED)
    (orders.folder("orders") / "data" / "orders.csv").unlink()  # what was ingested stays: it is not read again

    answer = dataflow("workflow", "run", "orders", "--from-step", "transform.orders", "--show", "1", *where)

    assert 0 == answer.code, answer.err
    assert f"going on with run {failed['run_id']}; kept: ingest.orders, validate.orders" in answer.out
    assert ["order_id  amount", "1      10"] == [line.strip() for line in answer.out.splitlines()[-2:]]


def test_a_step_can_be_named_by_its_kind_and_each_try_is_kept(orders: Project, dataflow: Program) -> None:
    run_id = dataflow("workflow", "run", "orders", "--live", "--json").json["run_id"]
    orders.write_workflow("orders", CONFIG, transform=MENDED)

    again = dataflow("workflow", "run", "orders", "--live", "--from-step", "validate", "--json").json
    story = dataflow("runs", "show", run_id, "--json").json

    assert ("success", run_id) == (again["status"], again["run_id"])
    assert ["validate.orders", "transform.orders", "publish"] == again["completed_steps"]
    tries = [(stage["task_id"], stage["try_number"], stage["state"]) for stage in story["stages"]]
    assert ("transform.orders", 1, "failed") in tries
    assert ("transform.orders", 2, "succeeded") in tries
    assert "COMPLETED" == story["run"]["status"]


def test_a_step_that_does_not_exist_or_has_nothing_before_it_is_wrong_input(orders: Project, dataflow: Program) -> None:
    none = dataflow("workflow", "run", "orders", "--from-step", "transform")
    dataflow("workflow", "run", "orders")
    unknown = dataflow("workflow", "run", "orders", "--from-step", "transfrom.orders")
    too_late = dataflow("workflow", "run", "orders", "--from-step", "publish")
    other = dataflow("workflow", "run", "orders", "--from-step", "transform", "--window", "2025-01-05")

    assert [1, 1, 1, 1] == [none.code, unknown.code, too_late.code, other.code]
    assert "orders has no earlier run here; run it without --from-step first" in none.err
    assert "did you mean 'transform.orders'?" in unknown.err
    assert "has no result of transform.orders, which comes before; start there" in too_late.err
    assert "no earlier run on the window 2025-01-05T00:00:00+00:00/2025-01-06T00:00:00+00:00 here" in other.err


def test_rows_that_a_check_refused_are_shown_in_the_sandbox_only(orders: Project, dataflow: Program) -> None:
    write_rows(orders, "1,10\n2,-777\n")

    sandbox = dataflow("workflow", "run", "orders")
    live = dataflow("workflow", "run", "orders", "--live")
    as_json = dataflow("workflow", "run", "orders", "--json").json

    assert [2, 2] == [sandbox.code, live.code]
    assert "orders, range_amount: amount is below 1 in 1 of 2 rows" in sandbox.out
    assert "-777" in sandbox.out
    assert "-777" not in live.out + live.err
    assert [{"amount": -777, "order_id": 2}] == as_json["failing_rows"][0]["rows"]


class Airflow:
    """An Airflow that has one workflow, as far as its REST API tells of it."""

    def __init__(self, api: FakeApi, *, states: list[str], tasks: list[dict[str, str]], paused: bool = False) -> None:
        self.api = api
        api.answer("/auth/token", {"access_token": "t"}, status=201)
        api.answer("/api/v2/dags/orders", {"error": "who are you"}, status=401)
        api.answer("/api/v2/dags/orders", {"dag_id": "orders", "is_paused": paused})
        api.answer("/api/v2/dags/orders/dagRuns", {"dag_run_id": "manual__1"})
        for state in states:
            api.answer("/api/v2/dags/orders/dagRuns/manual__1", {"state": state})
        for number in range(len(states)):
            rows = [{"task_id": "ingest.orders", "map_index": -1, "state": tasks[number]["ingest"]}]
            rows += [{"task_id": "publish", "map_index": -1, "state": tasks[number]["publish"]}]
            body = {"task_instances": rows, "total_entries": 2}
            api.answer("/api/v2/dags/orders/dagRuns/manual__1/taskInstances", body)

    @property
    def login(self) -> dict[str, str]:
        return {
            "DATAFLOW_AIRFLOW_URL": self.api.url,
            "DATAFLOW_AIRFLOW_USER": "ada",
            "DATAFLOW_AIRFLOW_PASSWORD": "secret-word",
        }


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as server:
        yield server


def test_a_remote_run_is_followed_to_its_end(orders: Project, dataflow: Program, api: FakeApi) -> None:
    tasks = [{"ingest": "running", "publish": ""}, {"ingest": "success", "publish": "success"}]
    airflow = Airflow(api, states=["running", "success"], tasks=tasks)
    orders.write_workflow("orders", f"{CONFIG}params:\n  limit: {{type: integer, default: 3}}\n", transform=MENDED)

    answer = dataflow("workflow", "run", "orders", "--remote", "--param", "limit=5", **airflow.login)

    assert 0 == answer.code, answer.err
    told = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert ["ingest.orders running", "ingest.orders success", "publish success"] == told[1:4]
    assert "orders succeeded in Airflow" in told[4]
    asked = next(each for each in api.asked if each.method == "POST" and each.path.endswith("/dagRuns"))
    body = json.loads(asked.body)
    assert body.pop("dag_run_id").startswith("manual__")
    assert {"logical_date": None, "conf": {"limit": 5}} == body
    assert "Bearer t" == asked.headers["authorization"]


def test_a_remote_run_that_fails_ends_with_2_and_names_the_step(
    orders: Project, dataflow: Program, api: FakeApi
) -> None:
    airflow = Airflow(api, states=["failed"], tasks=[{"ingest": "failed", "publish": "upstream_failed"}])

    answer = dataflow("workflow", "run", "orders", "--remote", **airflow.login)

    assert 2 == answer.code
    assert "orders failed in Airflow at ingest.orders; `dataflow runs show manual__1` says why" in answer.err


def test_what_airflow_cannot_run_is_wrong_input(
    orders: Project, dataflow: Program, api: FakeApi, tmp_path: Path
) -> None:
    airflow = Airflow(api, states=["success"], tasks=[{"ingest": "success", "publish": "success"}], paused=True)
    orders.write_workflow("parcels")

    paused = dataflow("workflow", "run", "orders", "--remote", **airflow.login)
    unknown = dataflow("workflow", "run", "parcels", "--remote", **airflow.login)
    window = dataflow("workflow", "run", "orders", "--remote", "--window", "2025-01-05", **airflow.login)
    nowhere = dataflow("workflow", "run", "orders", "--remote")
    both = dataflow("workflow", "run", "orders", "--remote", "--live", **airflow.login)

    assert [1] * 5 == [each.code for each in (paused, unknown, window, nowhere, both)]
    assert "orders is paused in Airflow" in paused.err
    assert "has no workflow 'parcels'" in unknown.err
    assert "airflow backfill create --dag-id orders" in window.err
    assert "no Airflow was ever started in this project" in nowhere.err
    assert "goes with --param and --json alone" in both.err
    assert "secret-word" not in paused.err + unknown.err + window.err
