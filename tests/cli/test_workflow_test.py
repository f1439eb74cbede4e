"""``dataflow workflow test``: what the standard suite finds, and how a workflow's own tests are told."""

from __future__ import annotations

from typing import Any

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
    columns: {order_id: BIGINT, amount: BIGINT}
transform:
  orders:
    - python: orders
"""
GOOD = '''def orders(ctx, orders):
    """Double the amount."""
    return orders.select("order_id, amount * 2 as amount")
'''


@pytest.fixture
def orders(project: Project) -> Project:
    """A workflow that every rule is content with."""
    project.write_workflow("orders", CONFIG, transform=GOOD)
    project.write_file("include/workflows/orders/data/orders.csv", "order_id,amount\n1,10\n2,20\n3,30\n")
    return project


def outcomes(dataflow: Program, name: str = "orders") -> dict[str, tuple[str, str]]:
    """Give outcome and message of each test."""
    rows: list[dict[str, Any]] = dataflow("workflow", "test", name, "--json").json
    return {row["test"]: (row["outcome"], row["message"]) for row in rows}


def test_a_sound_workflow_passes_and_ends_with_0(orders: Project, dataflow: Program) -> None:
    orders.write_file("include/workflows/orders/tests/test_own.py", "def test_own():\n    assert True\n")

    answer = dataflow("workflow", "test", "orders")

    assert 0 == answer.code, answer.out + answer.err
    assert "orders: 6 of 6 passed" in answer.out


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(
            'return orders.select("order_id, row_number() over () as amount")', "3 of 3 rows", id="order_of_rows"
        ),
        pytest.param('return orders.select("order_id, random() as amount")', "in amount", id="chance"),
        pytest.param("return orders.select(f\"order_id, '{ctx.run_id}' as amount\")", "in amount", id="run_id"),
        pytest.param("return orders.limit(1)", "1 of 1 rows", id="first_row"),
    ],
)
def test_a_transform_that_is_not_idempotent_fails(orders: Project, dataflow: Program, body: str, told: str) -> None:
    orders.write_workflow("orders", CONFIG, transform=f'def orders(ctx, orders):\n    """Change."""\n    {body}\n')

    outcome, message = outcomes(dataflow)["idempotency"]

    assert "failed" == outcome
    assert "staging_orders.orders differs between two runs on the same rows in another order" in message
    assert told in message


def test_only_the_table_that_differs_is_told(orders: Project, dataflow: Program) -> None:
    config = CONFIG + "  seen:\n    from: orders\n    stages: [{python: count_seen}]\n  log:\n    - python: log_seen\n"
    count_seen = 'def count_seen(ctx, seen):\n    """Keep."""\n    return seen\n'
    log_seen = 'def log_seen(ctx, seen):\n    """Tell the time."""\n    return seen.select("*, now() as at")\n'
    orders.write_workflow("orders", config, transform=f"{GOOD}\n\n{count_seen}\n\n{log_seen}")

    outcome, message = outcomes(dataflow)["idempotency"]

    assert "failed" == outcome
    assert "staging_orders.log differs" in message
    assert "staging_orders.seen differs" not in message


def test_a_table_to_which_every_run_appends_may_grow(orders: Project, dataflow: Program) -> None:
    orders.write_workflow("orders", CONFIG + "load:\n  orders: {mode: append}\n", transform=GOOD)

    assert "passed" == outcomes(dataflow)["idempotency"][0]


def test_functions_are_documented_called_and_import(orders: Project, dataflow: Program) -> None:
    orders.write_workflow(
        "orders",
        CONFIG,
        transform=GOOD.replace('    """Double the amount."""\n', ""),
        validation='def order(ctx, order=None):\n    """Judge."""\n    return []\n',
        words="import nonsense_that_is_not_there\n",
    )

    found = outcomes(dataflow)

    assert "include/workflows/orders/transform.py:1: orders() has no docstring" in found["docstrings"][1]
    assert (
        "validation.py:1: order() takes ctx, but nothing calls it (the config calls validation:orders)"
        in (found["functions"][1])
    )
    assert "nonsense_that_is_not_there" in found["functions"][1]


def test_models_are_described_and_tested(orders: Project, dataflow: Program) -> None:
    orders = Project(orders.root, dbt=True)
    for model in ("bare", "covered"):
        orders.write_model("orders", model, "select * from {{ source('staging', 'orders') }}")
    said = "models:\n  - name: covered\n    description: All.\n    columns: [{name: order_id, data_tests: [unique]}]\n"
    orders.write_file("dbt/models/orders/orders.yml", f"version: 2\n{said}")

    message = outcomes(dataflow)["models"][1]

    assert [
        "dbt/models/orders: the model bare has no description; give it one in dbt/models/orders/orders.yml",
        "dbt/models/orders: the model bare has no test; give one of its columns `data_tests: [not_null]`, or more",
    ] == message.splitlines()


def test_a_source_that_cannot_be_read_is_read_from_its_sample(orders: Project, dataflow: Program) -> None:
    config = CONFIG.replace("    path: data/orders.csv\n    format: csv\n", "").replace("type: file", "type: python")
    offline = 'def orders(ctx):\n    """Ask somebody."""\n    raise ConnectionError("offline")\n'
    orders.write_workflow("orders", config, ingestion=offline)

    without = outcomes(dataflow)["idempotency"]
    orders.write_file("include/workflows/orders/tests/sample/orders.csv", "order_id,amount\n1,10\n2,20\n")
    with_sample = outcomes(dataflow)["idempotency"]

    assert "failed" == without[0]
    assert "offline" in without[1]
    assert "put some of its rows into include/workflows/orders/tests/sample/orders.csv or .ndjson" in without[1]
    assert ("passed", "") == with_sample


def test_a_failing_test_of_its_own_is_told_with_its_line(orders: Project, dataflow: Program) -> None:
    orders.write_file("include/workflows/orders/tests/test_own.py", "def test_own():\n    assert 1 == 2\n")

    answer = dataflow("workflow", "test", "orders")

    assert 2 == answer.code
    assert "include/workflows/orders/tests/test_own.py:2: assert 1 == 2" in answer.out
    assert "All of a failure: python -m pytest include/workflows/orders/tests/test_own.py::test_own" in answer.out


def test_tests_that_do_not_import_fail(orders: Project, dataflow: Program) -> None:
    orders.write_file("include/workflows/orders/tests/test_own.py", "import nonsense_that_is_not_there\n")

    answer = dataflow("workflow", "test", "orders")

    assert 2 == answer.code
    assert "No module named 'nonsense_that_is_not_there'" in answer.out


def test_a_broken_config_is_wrong_input(project: Project, dataflow: Program) -> None:
    project.write_workflow("orders", "nonsense: 1\n")

    answer = dataflow("workflow", "test", "orders")

    assert 1 == answer.code
    assert "include/workflows/orders/config.yaml:1:1" in answer.out


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file", "mock", "python"])
def test_a_new_workflow_passes_untouched(kind: str, project: Project, dataflow: Program) -> None:
    Project(project.root, dbt=True)
    dataflow("workflow", "init", "parcels", "--source", kind)

    answer = dataflow("workflow", "test", "parcels")

    assert 0 == answer.code, answer.out + answer.err
    assert "parcels: 8 of 8 passed" in answer.out
