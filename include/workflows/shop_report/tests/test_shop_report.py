"""The weekly report says what the shop's published days say."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_the_weeks_add_up_to_the_published_days(house: Any) -> None:
    house.run("shop")
    house.run("shop_report")

    by_day = house.query("shop", "select sum(orders), sum(revenue) from daily_revenue")
    by_week = house.query("shop_report", "select sum(orders), sum(revenue) from weekly_revenue")
    assert by_day == by_week


def test_every_week_begins_on_a_monday_and_has_at_most_seven_days(house: Any) -> None:
    rows = house.query("shop_report", "select week, days from weekly_revenue order by week")

    assert all(week.isoweekday() == 1 and 1 <= days <= 7 for week, days in rows)
    assert 10 == len(rows)


def test_a_newly_published_shop_is_read_anew(house: Any) -> None:
    before = house.query("shop_report", "select * from weekly_revenue order by week")

    house.run("shop")
    house.run("shop_report")

    assert before == house.query("shop_report", "select * from weekly_revenue order by week")
