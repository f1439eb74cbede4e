"""``tables`` of a database source: one source for each, as if they had been written one by one."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from dataflow.cli.main import app
from kit.project import Project

CONFIG = """\
description: Orders of the shop.
owner: sales
start_date: 2025-01-01
sources:
  first: {type: mock, columns: {id: BIGINT}}
  shop:
    type: database
    description: Of the shop.
    connection: shop_db
    tables:
      - public.Customers
      - orders
    incremental: {cursor: updated_at}
load:
  customers: {mode: append}
  orders: {key: order_id, newest_by: updated_at}
"""


def test_each_table_is_a_source_of_its_own(project: Project) -> None:
    project.write_workflow("shop", CONFIG)

    workflow = project.workflow("shop")

    assert ["first", "customers", "orders"] == list(workflow.spec.sources)
    customers = workflow.spec.sources["customers"].model_dump(exclude_unset=True)
    assert {
        "table": "public.Customers",
        "connection": "shop_db",
        "description": "Of the shop.",
    }.items() <= customers.items()
    assert {"ingest.customers", "ingest.orders"} < {task.id for task in workflow.plan.tasks}


def test_where_a_layer_changes_what_they_share_each_changes(project: Project) -> None:
    project.write_workflow("shop", CONFIG)
    project.write_file("include/workflows/shop/config.prod.yaml", "sources: {shop: {connection: shop_prod}}\n")

    workflow = next(iter(load(project, "prod")))

    assert ["shop_prod"] * 2 == [workflow.spec.sources[name].connection for name in ("customers", "orders")]


def load(project: Project, environment: str):
    from dataflow.registry import load_registry

    return load_registry(project.root, environment=environment).workflows.values()


def test_config_show_tells_where_each_comes_from(project: Project, monkeypatch) -> None:
    project.write_workflow("shop", CONFIG)
    monkeypatch.setenv("DATAFLOW_PROJECT", str(project.root))

    shown = CliRunner().invoke(app, ["config", "show", "shop", "--origin", "--json"])

    lines = {each["key"]: each["line"] for each in json.loads(shown.stdout)}
    assert (11, 12, 9) == (
        lines["sources.customers.table"],
        lines["sources.orders.table"],
        lines["sources.orders.connection"],
    )


def test_what_is_wrong_with_one_is_told_at_its_place(project: Project) -> None:
    project.write_workflow("shop", CONFIG.replace("- orders\n", "- shop..orders\n"))

    (problem,) = project.registry().problems

    assert ("sources.orders.table", 12) == (problem.key, problem.line)
