"""A small table of orders, and one check that judges it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.interval import Interval
from dataflow.quality.judge import judge
from dataflow.spec.checks import Check

if TYPE_CHECKING:
    import duckdb

    from dataflow.quality.outcome import CheckOutcome

__all__ = ["ORDERS", "WINDOW", "judge_one"]

WINDOW = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))

ORDERS = """
    CREATE TABLE orders AS SELECT * FROM (VALUES
        (1, 10, 'placed',   5.0,  TIMESTAMPTZ '2025-01-01 10:00:00+00'),
        (2, 10, 'shipped',  -1.0, TIMESTAMPTZ '2025-01-01 20:00:00+00'),
        (2, 99, 'lost',     7.0,  TIMESTAMPTZ '2025-01-01 09:00:00+00'),
        (NULL, NULL, NULL,  NULL, NULL)
    ) AS t(order_id, customer_id, status, amount, updated_at)
"""


def judge_one(
    connection: duckdb.DuckDBPyConnection, *, relation: str = "orders", tables: Any = None, **check: Any
) -> CheckOutcome:
    """Judge by one check; the tables beside it are the customers unless said otherwise."""
    tables = {"customers": "customers"} if tables is None else tables
    return judge(connection, relation, [Check(**check)], window=WINDOW, tables=tables)[0]
