"""The shop's revenue, against totals from a script that knows nothing of dataflow."""

from __future__ import annotations

import importlib.util
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow import DataQualityError
from dataflow.interval import Interval

HERE = Path(__file__).parent


def independent_totals() -> Any:
    spec = importlib.util.spec_from_file_location("expected_totals", HERE / "expected_totals.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


EXPECTED = independent_totals()
ORDER = {
    "order_id": "o1",
    "customer_id": "c1",
    "store_id": "s1",
    "ordered_at": "2018-09-01T08:00:00Z",
    "updated_at": "2018-09-01T08:00:00Z",
    "status": "placed",
    "subtotal": 1000,
    "tax_paid": 60,
    "order_total": 1060,
}
OTHERS = {
    "items": [],
    "customers": [{"customer_id": "c1", "name": "Ada"}],
    "products": [{"sku": "p1", "name": "Tea", "type": "drink", "price": 500}],
    "stores": [{"store_id": "s1", "name": "Brooklyn", "opened_at": "2018-09-01T00:00:00Z", "tax_rate": "0.06"}],
}


def revenue(house: Any) -> dict[str, tuple[int, int, int]]:
    rows = house.query("shop", "select day, orders, revenue, tax from daily_revenue")
    return {day.isoformat(): (orders, taken, tax) for day, orders, taken, tax in rows}


def days(first: date, last: date) -> Interval:
    start, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first, last + timedelta(days=1)))
    return Interval(start, end)


def test_an_order_keeps_its_row_where_its_store_is_unknown(load_module: Any, make_context: Any) -> None:
    connection = duckdb.connect()
    orders = connection.sql("select 'o1' as order_id, 's9' as store_id, 1000::bigint as subtotal")
    stores = connection.sql("select 's1' as store_id, 'Brooklyn' as name, 0.04::decimal(5,4) as tax_rate")

    rows = load_module("transform").orders(make_context(), orders, stores).fetchall()

    assert [("o1", "s9", 1000, None, None)] == rows


def test_the_tax_due_follows_the_rate_of_the_store(load_module: Any, make_context: Any) -> None:
    connection = duckdb.connect()
    orders = connection.sql("select 'o1' as order_id, 's1' as store_id, 1000::bigint as subtotal")
    stores = connection.sql("select 's1' as store_id, 'Brooklyn' as name, 0.04::decimal(5,4) as tax_rate")

    rows = load_module("transform").orders(make_context(), orders, stores).fetchall()

    assert [("o1", "s1", 1000, "Brooklyn", 40)] == rows


def test_an_order_whose_total_is_not_its_sum_is_not_loaded(run_step: Any) -> None:
    wrong = ORDER | {"order_total": 1061}

    with pytest.raises(DataQualityError, match="total_is_subtotal_and_tax"):
        run_step("transform.orders", rows=OTHERS | {"orders": [wrong]}, window="2018-09-01")


def test_the_newest_version_of_an_order_is_loaded(run_step: Any) -> None:
    returned = ORDER | {"updated_at": "2018-09-01T09:00:00Z", "status": "returned"}

    run_step("transform.orders", rows=OTHERS | {"orders": [returned, ORDER]}, window="2018-09-01")

    assert [("o1", True, 60)] == run_step.query("select order_id, is_returned, tax_due from orders")


@pytest.mark.slow
def test_the_first_run_gives_the_revenue_of_every_day(house: Any) -> None:
    house.run("shop")

    assert EXPECTED.daily_revenue() == revenue(house)


@pytest.mark.slow
def test_a_rerun_and_a_backfill_change_nothing(house: Any) -> None:
    before = house.query("shop", "select * from daily_revenue order by day")

    house.run("shop")
    house.run("shop", window=days(date(2018, 9, 10), date(2018, 9, 12)))

    assert before == house.query("shop", "select * from daily_revenue order by day")


@pytest.mark.slow
def test_days_read_in_disorder_end_as_one_clean_read(make_house: Any, house: Any) -> None:
    """An update that is read before the order that it updates is not overwritten by it."""
    alone = make_house()
    halves = [days(date(2018, 10, 1), date(2018, 11, 5)), days(date(2018, 9, 1), date(2018, 9, 30))]

    for half in halves:
        alone.run("shop", window=half)

    assert EXPECTED.daily_revenue() == revenue(alone)
