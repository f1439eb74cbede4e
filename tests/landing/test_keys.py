from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dataflow.interval import Interval
from dataflow.landing.keys import run_key, window_key

moments = st.datetimes(timezones=st.just(UTC), max_value=datetime(9990, 1, 1))  # noqa: DTZ001
# Close ones too, which differ in microseconds only.
near = st.builds(
    lambda second, micros: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=second, microseconds=micros),
    st.integers(0, 2),
    st.sampled_from([0, 1, 10, 500_000, 999_999]),
)
windows = (
    st.tuples(moments | near, moments | near).filter(lambda ends: ends[0] < ends[1]).map(lambda ends: Interval(*ends))
)


def test_a_key_says_the_window():
    window = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))

    assert "20250101T000000Z_20250102T000000Z" == window_key(window)


@given(windows, windows)
def test_keys_are_equal_only_for_equal_windows_and_sort_like_them(one: Interval, other: Interval):
    by_time = (one > other) - (one < other)
    by_key = (window_key(one) > window_key(other)) - (window_key(one) < window_key(other))

    assert by_time == by_key


@given(windows, st.text())
def test_keys_hold_nothing_that_a_file_system_or_an_object_store_could_mind(window: Interval, run_id: str):
    keys = window_key(window) + run_key(run_id)

    assert re.fullmatch(r"[0-9A-Za-z_-]+", keys)


def test_a_run_key_is_the_same_for_the_same_run():
    assert run_key("scheduled__2025-01-01T00:00:00+00:00") == run_key("scheduled__2025-01-01T00:00:00+00:00")
    assert run_key("a") != run_key("b")
