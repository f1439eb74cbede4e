"""When Airflow runs a workflow, and which span of time each of its runs is about."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import (
    AssetAll,
    AssetAny,
    AssetOrTimeSchedule,
    CronDataIntervalTimetable,
    CronPartitionTimetable,
    PartitionedAssetTimetable,
)

from dataflow.errors import FatalError
from dataflow.factory.assets import asset_named
from dataflow.interval import Interval, in_utc
from dataflow.runtime.ticks import last_complete_window
from dataflow.spec.schedule import (
    AnySchedule,
    AssetSchedule,
    CronSchedule,
    FileSchedule,
    cron_of,
    is_windowed_by_ticks,
    timezone_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk.bases.timetable import BaseTimetable
    from airflow.sdk.definitions.asset import BaseAsset
    from airflow.timetables.base import Timetable

__all__ = [
    "KEY_FORMATS",
    "airflow_schedule",
    "interval_of",
    "last_complete_window",
    "partition_interval",
    "partition_of",
    "start_of",
    "windows_between",
]

KEY_FORMATS = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%G-W%V-%u", "month": "%Y-%m"}
"""How a partition key is written, by period. Airflow formats and parses it with these, so each must do both: a week
carries the weekday of its tick, because a week without one does not parse."""

_KEY_EXAMPLES = {"hour": "2025-01-31T13", "day": "2025-01-31", "week": "2025-W05-1", "month": "2025-01"}


def airflow_schedule(schedule: str | CronSchedule | AssetSchedule) -> BaseTimetable | BaseAsset | None:
    """Give what ``DAG(schedule=...)`` takes; None for ``manual``."""
    if isinstance(schedule, AssetSchedule):
        # An event with a key starts only a schedule by keys, and one without a key never does.
        return PartitionedAssetTimetable(assets=_condition(schedule)) if schedule.partition else _condition(schedule)
    timetable = _ticks(schedule)
    if timetable is None or not isinstance(schedule, CronSchedule) or not schedule.assets:
        return timetable
    return AssetOrTimeSchedule(timetable=timetable, assets=_condition(schedule))


def _ticks(schedule: str | CronSchedule) -> BaseTimetable | None:
    cron, zone = cron_of(schedule), timezone_of(schedule)
    if cron is None:
        return None
    if isinstance(schedule, CronSchedule) and schedule.partition is not None:
        key_format = KEY_FORMATS[schedule.partition]
        return CronPartitionTimetable(cron, timezone=zone, run_offset=-1, key_format=key_format)
    return CronDataIntervalTimetable(cron, timezone=zone)


def _condition(schedule: CronSchedule | AssetSchedule) -> BaseAsset:
    assets = [asset_named(name) for name in schedule.assets]
    return AssetAll(*assets) if schedule.match == "all" else AssetAny(*assets)


def start_of(day: date, schedule: AnySchedule) -> datetime:
    """Give midnight of the day in the schedule's zone."""
    return datetime.combine(day, time(), ZoneInfo(timezone_of(schedule)))


def interval_of(dag_run: Any, schedule: AnySchedule) -> Interval | None:
    """Give the data interval of a run, where the schedule's windows are its ticks.

    None where Airflow gave the run none, as for one triggered without a logical date: the runtime then takes the last
    complete window.
    """
    if not is_windowed_by_ticks(schedule) or dag_run.data_interval_start is None:
        return None
    if dag_run.data_interval_end <= dag_run.data_interval_start:
        return None
    return Interval(dag_run.data_interval_start, dag_run.data_interval_end)


def partition_of(dag_run: Any, schedule: AnySchedule) -> Interval | None:
    """Give the period of a run's partition key; None for a run without one.

    Raises:
        FatalError: when the key is not one of this schedule.
    """
    if dag_run.partition_key is None or isinstance(schedule, (str, FileSchedule)) or schedule.partition is None:
        return None
    return partition_interval(dag_run.partition_key, schedule, tick=dag_run.partition_date)


def partition_interval(key: str, schedule: CronSchedule | AssetSchedule, *, tick: datetime | None = None) -> Interval:
    """Give the hour, day, week (from Monday) or month of the schedule's zone that a key names.

    Args:
        key: As `KEY_FORMATS` writes it.
        schedule: One with ``partition``.
        tick: The moment that Airflow made the key of; tells apart the two hours of one name when clocks go back.

    Raises:
        FatalError: when the key does not parse.
    """
    period = schedule.partition or "day"
    zone = ZoneInfo(schedule.timezone)
    try:
        named = datetime.strptime(key, KEY_FORMATS[period]).replace(tzinfo=zone)
    except ValueError:
        example = _KEY_EXAMPLES[period]
        raise FatalError(f"partition key {key!r} names no {period}; write it like {example!r}") from None
    if period == "hour":
        begin = in_utc(tick or named)
        begin -= timedelta(minutes=begin.astimezone(zone).minute, seconds=begin.second, microseconds=begin.microsecond)
        return Interval(begin, begin + timedelta(hours=1))
    first, last = _days_of(period, named.date())
    return Interval(start_of(first, schedule), start_of(last + timedelta(days=1), schedule))


def _days_of(period: str, day: date) -> tuple[date, date]:
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    if period == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return day, day


def windows_between(schedule: AnySchedule, span: Interval) -> Iterator[Interval]:
    """Give every window that lies within the span, in order: what a backfill of it would run.

    Raises:
        ValueError: when the schedule has no windows of its own: manual, by assets or by files.
    """
    ticks = None if isinstance(schedule, (AssetSchedule, FileSchedule)) else _ticks(schedule)
    if ticks is None or not is_windowed_by_ticks(schedule):
        raise ValueError(f"{schedule!r} has no windows of its own")
    from airflow.sdk.timezone import coerce_datetime
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction

    timetable: Timetable = coerce_to_core_timetable(ticks)
    if isinstance(schedule, CronSchedule) and schedule.partition is not None:
        # Airflow reads these bounds by the wall clock, in the schedule's zone.
        zone = ZoneInfo(schedule.timezone)
        first, last = (coerce_datetime(end.astimezone(zone)) for end in (span.start, span.end))
        infos = timetable.iter_partition_dagrun_infos(earliest=first, latest=last)
        windows = (partition_interval(str(info.partition_key), schedule, tick=info.partition_date) for info in infos)
        yield from (window for window in windows if span.covers(window))
        return
    restriction = TimeRestriction(coerce_datetime(span.start), coerce_datetime(span.end), catchup=True)
    info = None
    while info := timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction):
        if info.data_interval is None or info.data_interval.end > span.end:
            return
        yield Interval(info.data_interval.start, info.data_interval.end)
