from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk import (
    AssetAll,
    AssetAny,
    AssetOrTimeSchedule,
    CronDataIntervalTimetable,
    CronPartitionTimetable,
    PartitionedAssetTimetable,
)
from airflow.sdk.timezone import coerce_datetime
from airflow.serialization.encoders import coerce_to_core_timetable
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.errors import FatalError
from dataflow.factory.schedule import (
    airflow_schedule,
    interval_of,
    last_complete_window,
    partition_interval,
    partition_of,
    start_of,
    windows_between,
)
from dataflow.interval import Interval
from dataflow.spec.schedule import AssetSchedule, CronSchedule, Schedule

BERLIN = ZoneInfo("Europe/Berlin")
NIGHTLY = CronSchedule(cron="0 2 * * *", timezone="Europe/Berlin")
HALF_PAST_TWO = CronSchedule(cron="30 2 * * *", timezone="Europe/Berlin")


def in_berlin(*when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=BERLIN, fold=fold)  # type: ignore[misc,arg-type]


def partitioned(period: str, cron: str) -> CronSchedule:
    return CronSchedule.model_validate({"cron": cron, "timezone": "Europe/Berlin", "partition": period})


def core(schedule: Schedule) -> Any:
    return coerce_to_core_timetable(airflow_schedule(schedule))  # type: ignore[arg-type]


def test_a_manual_workflow_has_no_schedule() -> None:
    assert airflow_schedule("manual") is None


def test_a_cron_gives_data_intervals_in_its_zone() -> None:
    expected = CronDataIntervalTimetable("0 2 * * *", timezone="Europe/Berlin")

    assert expected == airflow_schedule(NIGHTLY)


def test_a_preset_and_a_cron_string_are_ticks_in_utc() -> None:
    assert CronDataIntervalTimetable("0 0 * * *", timezone="UTC") == airflow_schedule("@daily")
    assert CronDataIntervalTimetable("5 4 * * *", timezone="UTC") == airflow_schedule("5 4 * * *")


@pytest.mark.parametrize(("match", "condition"), [("all", AssetAll), ("any", AssetAny)])
def test_assets_start_a_run_together_or_alone(match: str, condition: type) -> None:
    schedule = AssetSchedule.model_validate({"assets": ["warehouse/shop/a", "warehouse/shop/b"], "match": match})

    actual = airflow_schedule(schedule)

    assert isinstance(actual, condition)
    assert ["warehouse/shop/a", "warehouse/shop/b"] == [asset.name for asset in actual.objects]


def test_keys_of_assets_start_runs_of_a_consumer() -> None:
    schedule = AssetSchedule(assets=("warehouse/shop/a",), partition="day", timezone="Europe/Berlin")

    actual = airflow_schedule(schedule)

    assert isinstance(actual, PartitionedAssetTimetable)
    assert "2025-03-30" == core(schedule).get_partition_mapper(name="warehouse/shop/a").to_downstream("2025-03-30")
    run = dag_run(partition_key="2025-03-30")
    assert Interval(in_berlin(2025, 3, 30), in_berlin(2025, 3, 31)) == partition_of(run, schedule)


def test_a_consumer_s_run_without_a_key_takes_the_last_complete_period() -> None:
    schedule = AssetSchedule(assets=("warehouse/shop/a",), partition="day", timezone="Europe/Berlin")

    window = last_complete_window(schedule, in_berlin(2025, 10, 27, 9))

    assert Interval(in_berlin(2025, 10, 26), in_berlin(2025, 10, 27)) == window
    assert timedelta(hours=25) == window.end - window.start


def test_a_cron_beside_assets_starts_a_run_too() -> None:
    schedule = CronSchedule(cron="0 2 * * *", timezone="Europe/Berlin", assets=("warehouse/shop/a",))

    actual = airflow_schedule(schedule)

    assert isinstance(actual, AssetOrTimeSchedule)
    assert CronDataIntervalTimetable("0 2 * * *", timezone="Europe/Berlin") == actual.timetable


@pytest.mark.parametrize(
    ("period", "cron", "tick", "key", "window"),
    [
        ("hour", "5 * * * *", (2025, 3, 4, 10, 5), "2025-03-04T09", ((2025, 3, 4, 9), (2025, 3, 4, 10))),
        ("day", "0 2 * * *", (2025, 3, 4, 2), "2025-03-03", ((2025, 3, 3), (2025, 3, 4))),
        ("day", "30 2 * * *", (2025, 3, 31, 2, 30), "2025-03-30", ((2025, 3, 30), (2025, 3, 31))),
        ("day", "30 2 * * *", (2025, 10, 27, 2, 30), "2025-10-26", ((2025, 10, 26), (2025, 10, 27))),
        ("week", "0 6 * * 1", (2025, 1, 13, 6), "2025-W02-1", ((2025, 1, 6), (2025, 1, 13))),
        ("week", "0 0 * * 0", (2025, 1, 12), "2025-W01-7", ((2024, 12, 30), (2025, 1, 6))),
        ("month", "@monthly", (2025, 2, 1), "2025-01", ((2025, 1, 1), (2025, 2, 1))),
        ("month", "0 3 15 * *", (2025, 1, 15, 3), "2024-12", ((2024, 12, 1), (2025, 1, 1))),
    ],
)
def test_a_tick_makes_the_partition_of_the_period_that_ended(
    period: str, cron: str, tick: tuple[int, ...], key: str, window: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    schedule = partitioned(period, cron)

    moment, actual = core(schedule)._get_partition_info(coerce_datetime(in_berlin(*tick)))

    assert isinstance(airflow_schedule(schedule), CronPartitionTimetable)
    assert key == actual
    expected = Interval(in_berlin(*window[0]), in_berlin(*window[1]))
    assert expected == partition_interval(key, schedule, tick=moment)
    assert expected == partition_interval(key, schedule)


@pytest.mark.parametrize(("period", "cron"), [("hour", "5 * * * *"), ("week", "0 6 * * 3"), ("month", "@monthly")])
def test_airflow_reads_the_keys_back_that_it_wrote(period: str, cron: str) -> None:
    schedule = partitioned(period, cron)
    timetable = core(schedule)

    _, key = timetable._get_partition_info(coerce_datetime(in_berlin(2025, 6, 4, 12, 30)))
    decoded = timetable.resolve_partition_date(key)

    assert partition_interval(key, schedule) == partition_interval(key, schedule, tick=decoded)


def test_the_two_hours_of_one_name_are_two_partitions() -> None:
    schedule = partitioned("hour", "0 * * * *")
    night = Interval(in_berlin(2025, 10, 26), in_berlin(2025, 10, 26, 6))

    windows = list(windows_between(schedule, night))

    assert 7 == len(windows)
    assert [window.end for window in windows[:-1]] == [window.start for window in windows[1:]]


def test_the_hour_that_is_left_out_is_no_partition() -> None:
    schedule = partitioned("hour", "0 * * * *")
    night = Interval(in_berlin(2025, 3, 30), in_berlin(2025, 3, 30, 6))

    windows = list(windows_between(schedule, night))

    assert 5 == len(windows)
    assert [window.end for window in windows[:-1]] == [window.start for window in windows[1:]]


@pytest.mark.parametrize("key", ["", "2025", "2025-13", "January", "2025-01-01"])
def test_a_key_of_another_form_names_the_right_one(key: str) -> None:
    with pytest.raises(FatalError, match="names no month; write it like '2025-01'"):
        partition_interval(key, partitioned("month", "@monthly"))


@pytest.mark.parametrize("schedule", [NIGHTLY, HALF_PAST_TWO, CronSchedule(cron="0 * * * *", timezone="Europe/Berlin")])
@pytest.mark.parametrize("change", [(2025, 3, 30), (2025, 10, 26)])
def test_windows_leave_no_gap_and_no_overlap_when_clocks_change(
    schedule: CronSchedule, change: tuple[int, int, int]
) -> None:
    day = in_berlin(*change)
    around = Interval(day - timedelta(days=3), day + timedelta(days=3))

    windows = list(windows_between(schedule, around))

    assert [window.end for window in windows[:-1]] == [window.start for window in windows[1:]]
    assert windows[0].start <= around.start + timedelta(days=1)
    assert windows[-1].end > around.end - timedelta(days=1)


@pytest.mark.parametrize(
    ("change", "hours"), [((2025, 3, 30), [24, 23, 24]), ((2025, 10, 26), [24, 25, 24])], ids=["spring", "autumn"]
)
def test_a_nightly_window_is_as_long_as_its_day(change: tuple[int, int, int], hours: list[int]) -> None:
    midnight = CronSchedule(cron="0 0 * * *", timezone="Europe/Berlin")
    day = date(*change)
    span = Interval(
        start_of(day - timedelta(days=1), midnight),
        start_of(day + timedelta(days=2), midnight),
    )

    lengths = [(window.end - window.start) / timedelta(hours=1) for window in windows_between(midnight, span)]

    assert hours == lengths


CRONS = ["@hourly", "@daily", "@weekly", "@monthly", "*/15 * * * *", "0 2 * * *", "30 2 * * *", "0 */6 * * 1-5"]


@settings(deadline=None, max_examples=60)
@given(cron=st.sampled_from(CRONS), minutes=st.integers(0, 2 * 365 * 24 * 60))
def test_the_last_complete_window_is_the_one_that_airflow_infers(cron: str, minutes: int) -> None:
    schedule = CronSchedule(cron=cron, timezone="Europe/Berlin")
    now = datetime(2024, 6, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    repeated = now.astimezone(BERLIN).replace(tzinfo=None)
    if repeated.month == 10 and repeated.day >= 25 and repeated.hour in {2, 3}:
        return  # Airflow itself gives another answer within the hour that repeats

    inferred = core(schedule).infer_manual_data_interval(run_after=coerce_datetime(now))
    if inferred.start == inferred.end:
        return  # as Airflow does at a tick that a clock change leaves out; `interval_of` gives no interval then

    assert Interval(inferred.start, inferred.end) == last_complete_window(schedule, now)


@settings(deadline=None, max_examples=60)
@given(day=st.dates(date(2024, 1, 1), date(2026, 12, 31)), cron=st.sampled_from(CRONS))
def test_windows_of_a_span_touch_each_other_and_stay_within(day: date, cron: str) -> None:
    schedule = CronSchedule(cron=cron, timezone="Europe/Berlin")
    begin = start_of(day, schedule)
    span = Interval(begin, begin + timedelta(days=4))

    windows = list(windows_between(schedule, span))

    assert all(span.covers(window) for window in windows)
    assert [window.end for window in windows[:-1]] == [window.start for window in windows[1:]]


def test_a_span_of_a_year_has_its_months() -> None:
    schedule = partitioned("month", "@monthly")
    year = Interval(in_berlin(2012, 1, 1), in_berlin(2013, 1, 1))

    windows = list(windows_between(schedule, year))

    assert [in_berlin(2012, month, 1) for month in range(1, 13)] == [window.start for window in windows]
    assert year.end == windows[-1].end


@pytest.mark.parametrize("schedule", ["manual", AssetSchedule(assets=("warehouse/shop/a",))])
def test_a_schedule_without_ticks_has_no_windows_of_its_own(schedule: Schedule) -> None:
    day = Interval(in_berlin(2025, 1, 1), in_berlin(2025, 1, 2))

    with pytest.raises(ValueError, match="no windows of its own"):
        list(windows_between(schedule, day))


def dag_run(**given: Any) -> SimpleNamespace:
    nothing = {"data_interval_start": None, "data_interval_end": None, "partition_key": None, "partition_date": None}
    return SimpleNamespace(**{**nothing, **given})


def test_a_run_of_a_cron_has_the_interval_that_airflow_gave_it() -> None:
    start, end = in_berlin(2025, 1, 1, 2), in_berlin(2025, 1, 2, 2)

    assert Interval(start, end) == interval_of(dag_run(data_interval_start=start, data_interval_end=end), NIGHTLY)


def test_a_run_without_interval_leaves_it_to_the_runtime() -> None:
    start = in_berlin(2025, 1, 1, 2)

    assert interval_of(dag_run(), NIGHTLY) is None
    assert interval_of(dag_run(data_interval_start=start, data_interval_end=start), NIGHTLY) is None


def test_a_schedule_by_cron_and_assets_has_no_interval_of_the_engine() -> None:
    schedule = CronSchedule(cron="0 2 * * *", assets=("warehouse/shop/a",))
    run = dag_run(data_interval_start=in_berlin(2025, 1, 1), data_interval_end=in_berlin(2025, 1, 2))

    assert interval_of(run, schedule) is None


def test_a_run_with_a_key_is_about_its_period() -> None:
    schedule = partitioned("month", "@monthly")
    run = dag_run(partition_key="2012-01", partition_date=in_berlin(2012, 1, 1))

    assert Interval(in_berlin(2012, 1, 1), in_berlin(2012, 2, 1)) == partition_of(run, schedule)
    assert partition_of(dag_run(), schedule) is None


@settings(deadline=None, max_examples=40)
@given(
    period=st.sampled_from(["hour", "day", "week", "month"]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    hours=st.integers(0, 3 * 365 * 24),
)
def test_the_periods_of_a_consumer_tile_time_over_every_clock_change(period: str, zone: str, hours: int) -> None:
    schedule = AssetSchedule.model_validate({"assets": ["warehouse/shop/a"], "partition": period, "timezone": zone})
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours)

    windows = [last_complete_window(schedule, at)]
    for _ in range(50):
        windows.append(last_complete_window(schedule, windows[-1].start))

    assert windows[0].end <= at
    assert [window.start for window in windows[:-1]] == [window.end for window in windows[1:]]
