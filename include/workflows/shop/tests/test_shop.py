"""The shop's revenue, against totals from a script that knows nothing of dataflow."""

from __future__ import annotations

import importlib.util
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow import StepContext
from dataflow.interval import Interval

HERE = Path(__file__).parent


def module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"shop_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


EXPECTED = module(HERE / "expected_totals.py")
TRANSFORM = module(HERE.parent / "transform.py")


def revenue(house: Any) -> dict[str, tuple[int, int, int]]:
    rows = house.query("shop", "select day, orders, revenue, tax from daily_revenue")
    return {day.isoformat(): (orders, taken, tax) for day, orders, taken, tax in rows}


def days(first: date, last: date) -> Interval:
    start, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first, last + timedelta(days=1)))
    return Interval(start, end)


def test_an_order_keeps_its_row_where_its_store_is_unknown() -> None:
    connection = duckdb.connect()
    orders = connection.sql("select 'o1' as order_id, 's9' as store_id, 1000::bigint as subtotal")
    stores = connection.sql("select 's1' as store_id, 'Brooklyn' as name, 0.04::decimal(5,4) as tax_rate")

    rows = TRANSFORM.orders(StepContext(workflow="shop"), orders, stores).fetchall()

    assert [("o1", "s9", 1000, None, None)] == rows


def test_the_tax_due_follows_the_rate_of_the_store() -> None:
    connection = duckdb.connect()
    orders = connection.sql("select 'o1' as order_id, 's1' as store_id, 1000::bigint as subtotal")
    stores = connection.sql("select 's1' as store_id, 'Brooklyn' as name, 0.04::decimal(5,4) as tax_rate")

    rows = TRANSFORM.orders(StepContext(workflow="shop"), orders, stores).fetchall()

    assert [("o1", "s1", 1000, "Brooklyn", 40)] == rows


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
def test_days_read_in_disorder_end_as_one_clean_read(tmp_path_factory: pytest.TempPathFactory, house: Any) -> None:
    """An update that is read before the order that it updates is not overwritten by it."""
    alone = type(house)(tmp_path_factory.mktemp("disorder"))
    halves = [days(date(2018, 10, 1), date(2018, 11, 5)), days(date(2018, 9, 1), date(2018, 9, 30))]

    for half in halves:
        alone.run("shop", window=half)

    assert EXPECTED.daily_revenue() == revenue(alone)
