"""Which window a run of a tick schedule takes where its engine names none: the last one that is complete."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dataflow.interval import Interval
from dataflow.spec.schedule import AnySchedule, cron_of, period_of, timezone_of

__all__ = ["first_moment", "last_complete_window", "last_period"]


def first_moment(day: date, schedule: AnySchedule) -> datetime:
    """Give midnight of the day in the schedule's zone, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(timezone_of(schedule))).astimezone(UTC)


def last_complete_window(schedule: AnySchedule, at: datetime) -> Interval:
    """Give the last tick window, or the last period of a partitioned schedule, that ended at or before a moment."""
    zone = ZoneInfo(timezone_of(schedule))
    if (period := period_of(schedule)) is not None:
        return last_period(period, at, zone=zone)
    cron = cron_of(schedule)
    if cron is None:
        raise ValueError(f"{schedule!r} has no ticks")
    end = _tick_before(cron, at + timedelta(microseconds=1), zone=zone)
    return Interval(_tick_before(cron, end, zone=zone), end)


def last_period(period: str, at: datetime, *, zone: ZoneInfo) -> Interval:
    """Give the last whole hour, day, week (from Monday) or month of the zone that ended at or before a moment."""
    end = _begin_of(period, at.astimezone(zone))
    # Whatever the period's length, a moment just before its end lies in it.
    start = _begin_of(period, (end.astimezone(UTC) - timedelta(microseconds=1)).astimezone(zone))
    return Interval(start, end)


def _begin_of(period: str, moment: datetime) -> datetime:
    if period == "hour":
        # In UTC terms: an hour that a clock change repeats is two hours.
        past = timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)
        return (moment.astimezone(UTC) - past).astimezone(moment.tzinfo)
    day = moment.date()
    if period == "week":
        day -= timedelta(days=day.weekday())
    elif period == "month":
        day = day.replace(day=1)
    return datetime.combine(day, time(), moment.tzinfo)


def _tick_before(cron: str, at: datetime, *, zone: ZoneInfo) -> datetime:
    # As Airflow counts: by the wall clock, so that a daily tick keeps its hour when clocks change; but a tick of
    # every hour keeps its distance, or an hour would be missing.
    from croniter import croniter  # type: ignore[import-untyped]

    naive = at.astimezone(zone).replace(tzinfo=None)
    ticks = croniter(cron, start_time=naive)
    while True:
        before: datetime = ticks.get_prev(datetime)
        if ticks.expanded[1] == ["*"]:
            return at.astimezone(UTC) - (naive - before)
        moment = _in_zone(before, zone)
        # A tick in the hour that a clock change leaves out falls on the next one's moment.
        if moment < at:
            return moment


def _in_zone(naive: datetime, zone: ZoneInfo) -> datetime:
    later = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if later.astimezone(zone).replace(tzinfo=None) == naive:
        return later
    return naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
