"""The fixtures as an author meets them: a project of its own, and pytest started in it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib

from kit.project import REPOSITORY, Project

CONFIG = """
description: Orders.
owner: tests
start_date: 2025-01-01
settings: {vat: 1.19}
params:
  limit: {type: integer, default: 3}
sources:
  orders:
    type: python
    windowed: true
    columns: {order_id: BIGINT, amount: BIGINT}
validate:
  orders:
    - unique: order_id
transform:
  orders:
    - python: orders
"""
INGESTION = 'def orders(ctx):\n    """Ask somebody who is not there."""\n    raise ConnectionError("offline")\n'
TRANSFORM = '''
def orders(ctx, orders):
    """Add the VAT."""
    return orders.select(f"*, amount * {ctx.settings['vat']} as gross")
'''
TESTS = """
import httpx
import pytest

from dataflow import DataQualityError, InputError, StepError

ROWS = {"orders": [{"order_id": 1, "amount": 100}, {"order_id": 2, "amount": 200}]}


def test_a_context_knows_the_workflow(make_context):
    ctx = make_context(window="2025-03-01", params={"limit": 5}, run_id="r")

    assert ("orders", 1.19, 5, "r") == (ctx.workflow, ctx.settings["vat"], ctx.params["limit"], ctx.run_id)
    assert "2025-03-01T00:00:00+00:00/2025-03-02T00:00:00+00:00" == str(ctx.window)


def test_what_earlier_steps_returned_is_a_mapping(make_context):
    ctx = make_context(outputs={"normalize": {"null_rate": 0.1}, "ingest.orders": {"table": "orders", "rows": 3}})

    assert 0.1 == ctx.output("normalize")["null_rate"]
    assert 3 == ctx.output("ingest.orders").rows
    with pytest.raises(InputError, match="no output of 'later'"):
        ctx.output("later")


def test_a_module_is_that_of_the_workflow(load_module):
    assert "Add the VAT." == load_module("transform").orders.__doc__


def test_a_step_runs_on_rows_of_the_test(run_step):
    receipt = run_step("transform.orders", rows=ROWS)

    assert 2 == receipt.rows
    assert [(1, 119.0), (2, 238.0)] == run_step.query("select order_id, gross::double from orders order by 1")


def test_a_step_that_fails_raises_its_own_error(run_step):
    with pytest.raises(DataQualityError, match="unique_order_id"):
        run_step("validate.orders", rows={"orders": ROWS["orders"][:1] * 2})


def test_without_rows_the_source_itself_is_read(run_step):
    with pytest.raises(StepError, match="offline"):
        run_step("ingest.orders")


def test_what_is_not_there_is_told(run_step):
    with pytest.raises(InputError, match="did you mean 'validate.orders'"):
        run_step("validate.order")
    with pytest.raises(InputError, match="rows of order: orders has the sources orders"):
        run_step("validate.orders", rows={"order": []})


def test_two_houses_have_nothing_in_common(house, make_house):
    assert house.settings.warehouse != make_house().settings.warehouse
    assert "failed" == house.try_run("orders").status


def test_the_api_answers_in_turn_and_remembers(fake_api):
    fake_api.answer("/v1/orders", {"page": 1}, headers={"X-Next": "2"})
    fake_api.answer("/v1/orders", "busy", status=503)

    first = httpx.get(f"{fake_api.url}/v1/orders?page=1&q=", headers={"Authorization": "Bearer t"})
    rest = [httpx.post(f"{fake_api.url}/v1/orders", content="x") for _ in range(2)]

    assert ({"page": 1}, "2") == (first.json(), first.headers["X-Next"])
    assert [(503, "busy")] * 2 == [(each.status_code, each.text) for each in rest]
    assert {"page": "1", "q": ""} == fake_api.asked[0].query
    assert "Bearer t" == fake_api.asked[0].headers["authorization"]
    assert ("POST", "x") == (fake_api.asked[2].method, fake_api.asked[2].body)
    assert "it was told of /v1/orders" in httpx.get(f"{fake_api.url}/other").json()["error"]
"""


def pytest_in(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "dataflow.testing.plugin", *arguments]
    return subprocess.run(
        command, cwd=project.root, capture_output=True, text=True, check=False, env={**os.environ}, timeout=120
    )


def test_every_fixture_does_what_it_says(project: Project) -> None:
    project.write_workflow("orders", CONFIG, ingestion=INGESTION, transform=TRANSFORM)
    project.write_file("include/workflows/orders/tests/test_orders.py", TESTS)

    done = pytest_in(project)

    assert 0 == done.returncode, done.stdout
    assert "9 passed" in done.stdout


def test_a_fixture_outside_of_a_workflow_says_where_tests_lie(project: Project) -> None:
    project.write_file("test_lost.py", "def test_lost(make_context):\n    make_context()\n")

    done = pytest_in(project)

    assert 1 == done.returncode
    assert "a workflow's tests lie in include/workflows/<name>/tests" in done.stdout


def test_other_test_runs_load_nothing_dear_through_the_plugin() -> None:
    code = (
        "import sys, dataflow.testing.plugin\n"
        "dear = {'airflow', 'dbt', 'duckdb', 'httpx', 'pandas', 'pyarrow', 'pydantic', 'sqlalchemy', 'yaml'}\n"
        "print(sorted(dear & set(sys.modules)))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout


def test_the_plugin_is_declared_under_the_name_of_its_module() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert {"dataflow.testing.plugin": "dataflow.testing.plugin"} == project["entry-points"]["pytest11"]
