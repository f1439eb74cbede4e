"""A workflow that reads orders and customers from files and names each order's customer; its run, and what it made."""

from __future__ import annotations

import duckdb

from dataflow.runtime.local.run import run_workflow
from dataflow.warehouse.snapshot import current_snapshot
from kit.project import DAILY, Project

__all__ = ["CUSTOMERS", "ORDERS", "SHOP", "WITH_NAMES", "published", "run"]

ORDERS = "order_id,customer_id,amount,updated_at\n1,10,5.00,2025-01-01 10:00:00+00\n2,11,7.50,2025-01-02 09:00:00+00\n"
CUSTOMERS = "customer_id,name\n10,Ada\n11,Grace\n"
SHOP = {
    **DAILY,
    "description": "Orders of a shop.",
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


def run(project: Project, name: str = "shop", **given: object):
    return run_workflow(project.workflow(name), settings=project.settings(), **given)


def published(project: Project, table: str, *, columns: str = "*", name: str = "shop") -> list[tuple]:
    snapshot = current_snapshot(project.settings(), name)
    return duckdb.sql(f"select {columns} from '{snapshot.parquet(table)}' order by all").fetchall()
