"""The climate of Seattle, against sums made from the file with the standard library alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from dataflow.interval import Interval

pytestmark = pytest.mark.slow

FILE = Path(__file__).parent.parent / "data" / "seattle-weather.csv"


def rain_by_month() -> dict[date, tuple[int, int]]:
    """Give days and tenths of a millimetre of rain of each month."""
    months: dict[date, tuple[int, int]] = defaultdict(lambda: (0, 0))
    with FILE.open(newline="") as file:
        for row in csv.DictReader(file):
            month = datetime.strptime(row["date"], "%Y/%m/%d").replace(tzinfo=UTC).date().replace(day=1)
            days, rain = months[month]
            months[month] = (days + 1, rain + round(float(row["precipitation"]) * 10))
    return dict(months)


def month(year: int, number: int) -> Interval:
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return Interval(datetime(year, number, 1, tzinfo=UTC), following)


def climate(house: Any) -> dict[date, tuple[int, int]]:
    rows = house.query("weather", "select month, days, precipitation_mm from monthly_climate")
    return {row[0]: (row[1], round(row[2] * 10)) for row in rows}


def test_the_first_run_gives_the_climate_of_all_four_years(house: Any) -> None:
    house.run("weather")

    assert rain_by_month() == climate(house)


def test_a_backfilled_month_changes_nothing(house: Any) -> None:
    before = house.query("weather", "select * from daily_weather order by date")

    house.run("weather", window=month(2013, 5))

    assert before == house.query("weather", "select * from daily_weather order by date")


@pytest.mark.parametrize("order", [[(2012, 2), (2012, 1)], [(2012, 1), (2012, 2), (2012, 1)]])
def test_months_alone_give_their_days_in_any_order(order: list[tuple[int, int]], make_house: Any, house: Any) -> None:
    alone = make_house()

    for year, number in order:
        alone.run("weather", window=month(year, number))

    expected = {when: value for when, value in rain_by_month().items() if when in (date(2012, 1, 1), date(2012, 2, 1))}
    assert expected == climate(alone)
