"""What is usual is learnt from earlier windows, whatever their rhythm; what is not is caught."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.interval import Interval
from dataflow.quality.anomaly import Past, usual
from dataflow.quality.judge import judge
from dataflow.spec.checks import Anomaly, Check

if TYPE_CHECKING:
    from collections.abc import Sequence

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)
WEEK = (1.0, 1.05, 0.95, 1.0, 1.1, 0.5, 0.3)
"""From Monday on: Sunday has less than a third."""


def window(number: int, *, every: timedelta = timedelta(days=1)) -> Interval:
    return Interval(MONDAY + number * every, MONDAY + (number + 1) * every)


def past(values: Sequence[float], *, every: timedelta = timedelta(days=1)) -> list[Past]:
    """Give the figures of windows one after the other, as history does: the latest first."""
    return [Past(window(number, every=every), value) for number, value in enumerate(values)][::-1]


def is_odd(value: float, before: Sequence[float], *, every: timedelta = timedelta(days=1), **argument: Any) -> bool:
    found = usual(
        past(before, every=every), window(len(before), every=every), Anomaly(**{"metric": "row_count"} | argument)
    )
    return found is not None and (value > found.high or (found.low is not None and value < found.low))


def rows_a_day(seed: int, *, noise: float, days: int = 60, level: int = 10_000) -> list[int]:
    chance = random.Random(seed)
    return [round(level * WEEK[day % 7] * math.exp(chance.gauss(0, noise))) for day in range(days)]


@pytest.mark.parametrize(("noise", "false_alarms", "missed"), [(0.03, 0.0, 0.0), (0.08, 0.01, 0.005)])
def test_in_sixty_days_with_the_rhythm_of_a_week_drops_are_caught_and_sundays_are_not(noise, false_alarms, missed):
    judged = alarms = sundays = drops = caught = 0
    for seed in range(40):
        rows = rows_a_day(seed, noise=noise)
        for day in range(7, 60):
            odd = is_odd(rows[day], rows[:day])
            judged, alarms, sundays = judged + 1, alarms + odd, sundays + (odd and day % 7 == 6)
            if day >= 21:
                drops, caught = drops + 1, caught + is_odd(rows[day] * 0.4, rows[:day])

    missed_drops = drops - caught
    print(f"{noise:.0%}: {alarms} false alarms of {judged}, {sundays} on Sundays; {missed_drops} of {drops} missed")
    assert alarms <= false_alarms * judged
    assert sundays <= 0.001 * judged
    assert drops - caught <= missed * drops


def test_a_weekday_as_low_as_a_sunday_is_odd_and_a_sunday_as_high_as_a_weekday_too():
    rows = rows_a_day(1, noise=0.02, days=35)

    assert is_odd(3_000, rows)  # a Monday
    assert is_odd(10_000, rows[:34])  # a Sunday
    assert not is_odd(3_000, rows[:34])


def test_the_second_sunday_is_as_low_as_the_first():
    rows = rows_a_day(2, noise=0.03, days=14)

    assert not is_odd(rows[13], rows[:13])
    assert is_odd(rows[9] * 0.4, rows[:9])


@settings(deadline=None)
@given(level=st.integers(20, 10**9), days=st.integers(7, 60), share=st.floats(0.0, 0.08))
def test_a_history_that_never_changed_does_not_alarm_at_a_small_change(level, days, share):
    constant = [level] * days

    assert not is_odd(round(level * (1 + share)), constant)
    assert not is_odd(round(level * (1 - share)), constant)
    assert is_odd(level * 0.4, constant)
    assert is_odd(level * 2.5, constant)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e12), min_size=0, max_size=80), st.floats(-1e12, 1e12), st.integers(3, 30))
def test_any_history_gives_bounds_that_are_numbers(values, value, history):
    for metric, column in (("row_count", None), ("sum", "x"), ("freshness", "x")):
        argument = Anomaly(metric=metric, column=column, history=history)
        figures = [round(each) for each in values] if metric == "row_count" else values

        found = usual(past(figures), window(len(values)), argument)

        assert (found is None) == (len(values) < min(history, 7))
        if found is not None:
            assert math.isfinite(found.high)
            assert found.low is None or (math.isfinite(found.low) and found.low <= found.high)


@settings(deadline=None)
@given(st.lists(st.integers(900, 1_100), min_size=14, max_size=40), st.data())
def test_one_odd_window_among_the_earlier_ones_hides_no_drop(values, data):
    spoilt = list(values)
    spoilt[data.draw(st.integers(0, len(values) - 1))] = data.draw(st.sampled_from([0, 100_000]))

    assert is_odd(200, spoilt) or len(values) < 21
    assert not is_odd(1_000, spoilt)


def test_hours_are_compared_by_the_time_of_day_where_that_is_known():
    day = [100 if 8 <= hour < 20 else 10 for hour in range(24)] * 4
    hourly = timedelta(hours=1)

    assert not is_odd(10, day, every=hourly, history=72)
    assert is_odd(100, day, every=hourly, history=72)


def test_months_have_no_rhythm():
    assert not is_odd(1_050, [1_000, 1_100, 950] * 5, every=timedelta(days=30))
    assert is_odd(400, [1_000, 1_100, 950] * 5, every=timedelta(days=30))


def test_data_is_never_too_fresh_and_can_be_too_old():
    hours = [3600.0 * hour for hour in (5, 6, 5, 7, 6, 5, 6) * 3]

    assert not is_odd(0, hours, metric="freshness", column="at")
    assert is_odd(3600 * 30, hours, metric="freshness", column="at")


def test_a_null_rate_is_compared_in_points():
    assert not is_odd(0.02, [0.0] * 20, metric="null_rate", column="a")
    assert is_odd(0.05, [0.0] * 20, metric="null_rate", column="a")


def test_sums_may_be_negative():
    assert not is_odd(-10, [-100.0, 100, 50, -50, 20] * 4, metric="sum", column="a")
    assert is_odd(10_000, [-100.0, 100, 50, -50, 20] * 4, metric="sum", column="a")


def test_less_sensitivity_lets_more_pass():
    rows = rows_a_day(3, noise=0.05, days=28)

    assert is_odd(7_000, rows, sensitivity=3)
    assert not is_odd(7_000, rows, sensitivity=10)


def judged(check: dict[str, Any], *, before: Sequence[float] = (), rows: str = "range(1000) AS r(i)") -> Any:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE t AS SELECT i, CASE WHEN i < 100 THEN NULL ELSE i END AS n FROM {rows}")
        connection.execute("ALTER TABLE t ADD COLUMN seen_at TIMESTAMPTZ DEFAULT '2025-01-26 12:00:00+00'")
        day = window(len(before) or 20)
        return judge(connection, "t", [Check(**check)], window=day, tables={}, past=lambda _: past(before))[0]


@pytest.mark.parametrize(
    ("anomaly", "figure", "before"),
    [
        ({"metric": "row_count"}, 1_000, 1_000),
        ({"metric": "null_rate", "column": "n"}, 0.1, 0.1),
        ({"metric": "sum", "column": "i"}, 499_500, 499_500),
        ({"metric": "freshness", "column": "seen_at"}, 43_200, 43_200),
    ],
)
def test_each_metric_is_measured_and_compared(anomaly, figure, before):
    passed = judged({"anomaly": anomaly}, before=[before] * 20)
    failed = judged({"anomaly": anomaly}, before=[before / 10] * 20)

    assert ("passed", figure) == (passed.status, passed.figure), passed.message
    assert ("failed", 1, figure) == (failed.status, failed.failures, failed.figure), failed.message


def test_the_message_says_what_is_usual_and_of_how_many_windows():
    outcome = judged({"anomaly": {"metric": "row_count"}, "on_fail": "warn"}, before=[10_000] * 21)

    assert "warned" == outcome.status
    assert "row_count is 1000 rows; usual is 8371 rows to 11946 rows (of 14 windows, by weekday)" == outcome.message


def test_without_enough_history_nothing_is_odd_and_that_is_told():
    outcome = judged({"anomaly": {"metric": "row_count"}}, before=[10] * 3)

    assert ("passed", 1_000) == (outcome.status, outcome.figure)
    assert "not enough history: 3 of 7 runs (row_count is 1000 rows)" == outcome.message


def test_no_rows_have_no_null_rate_and_no_age_but_a_sum():
    empty = "range(0) AS r(i)"

    rate = judged({"anomaly": {"metric": "null_rate", "column": "n"}}, before=[0.5] * 20, rows=empty)
    total = judged({"anomaly": {"metric": "sum", "column": "i"}}, before=[500.0] * 20, rows=empty)
    age = judged({"anomaly": {"metric": "freshness", "column": "seen_at"}}, before=[500.0] * 20, rows=empty)

    assert ("passed", None, "no rows, so no null_rate") == (rate.status, rate.figure, rate.message)
    assert ("failed", 0.0) == (total.status, total.figure)
    assert ("error", None) == (age.status, age.figure)


def test_a_sum_that_is_no_number_is_odd_and_not_kept():
    outcome = judged({"anomaly": {"metric": "sum", "column": "i"}}, rows="(VALUES ('nan'::double)) AS r(i)")

    assert ("failed", None) == (outcome.status, outcome.figure)
