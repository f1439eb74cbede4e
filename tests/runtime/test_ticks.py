"""The last complete window of a schedule, through clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.interval import Interval
from dataflow.runtime.ticks import first_moment, last_complete_window, last_period
from dataflow.spec.schedule import CronSchedule

BERLIN = ZoneInfo("Europe/Berlin")
moments = st.integers(0, 5_000_000).map(lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))


def berlin(cron: str, **given: object) -> CronSchedule:
    return CronSchedule(cron=cron, timezone="Europe/Berlin", **given)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "moment", "start", "end"),
    [
        ("@daily", "2025-01-05T07:00", "2025-01-04T00:00", "2025-01-05T00:00"),
        ("@daily", "2025-01-05T00:00", "2025-01-04T00:00", "2025-01-05T00:00"),
        ("@weekly", "2025-01-08T07:00", "2024-12-29T00:00", "2025-01-05T00:00"),
        ("*/15 * * * *", "2025-01-05T07:07", "2025-01-05T06:45", "2025-01-05T07:00"),
        (berlin("0 2 * * *"), "2025-07-05T07:00", "2025-07-04T00:00", "2025-07-05T00:00"),
        # The day on which 02:00 does not exist, and the day on which it does twice.
        (berlin("0 2 * * *"), "2025-03-30T12:00", "2025-03-29T01:00", "2025-03-30T01:00"),
        (berlin("0 2 * * *"), "2025-10-26T12:00", "2025-10-25T00:00", "2025-10-26T01:00"),
        (berlin("0 * * * *"), "2025-10-26T01:10", "2025-10-26T00:00", "2025-10-26T01:00"),
        (berlin("@daily", partition="day"), "2025-03-31T12:00", "2025-03-29T23:00", "2025-03-30T22:00"),
        (berlin("@monthly", partition="month"), "2025-04-10T12:00", "2025-02-28T23:00", "2025-03-31T22:00"),
        (berlin("@weekly", partition="week"), "2025-01-08T12:00", "2024-12-29T23:00", "2025-01-05T23:00"),
        (berlin("@hourly", partition="hour"), "2025-10-26T01:10", "2025-10-26T00:00", "2025-10-26T01:00"),
    ],
)
def test_the_last_complete_window(schedule, moment, start, end):
    assert Interval(at(start), at(end)) == last_complete_window(schedule, at(moment))


@given(moments, st.sampled_from(["hour", "day", "week", "month"]))
def test_periods_follow_each_other_without_a_seam(moment, period):
    last = last_period(period, moment, zone=BERLIN)
    before = last_period(period, last.start, zone=BERLIN)

    assert last.end <= moment
    assert before.end == last.start


@given(moments, st.sampled_from(["0 2 * * *", "30 2 * * *", "0 * * * *"]))
def test_a_window_has_ended_and_follows_the_one_before(moment, cron):
    last = last_complete_window(berlin(cron), moment)

    assert last.end <= moment
    assert last_complete_window(berlin(cron), last.start).end == last.start


def test_the_first_moment_of_a_day_is_the_zones():
    assert at("2024-12-31T23:00") == first_moment(date(2025, 1, 1), berlin("@daily"))
