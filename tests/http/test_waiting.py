from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.http.pace import Pace
from dataflow.http.waiting import MAX_ASKED, MAX_WAIT, pause_before, retry_after_seconds

NOW = datetime(2025, 1, 1, 12, tzinfo=UTC)


@given(st.integers(min_value=0, max_value=10**30))
def test_seconds_are_taken_up_to_ten_minutes(seconds: int) -> None:
    assert min(seconds, MAX_ASKED) == retry_after_seconds(f" {seconds} ", now=NOW)


@given(st.integers(min_value=-(10**6), max_value=10**6))
def test_a_date_means_the_seconds_until_then(seconds: int) -> None:
    header = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)

    assert min(max(seconds, 0), MAX_ASKED) == retry_after_seconds(header, now=NOW)


@given(st.text())
def test_whatever_a_server_says_is_a_wait_within_the_bounds_or_none(text: str) -> None:
    seconds = retry_after_seconds(text, now=NOW)

    assert seconds is None or 0 <= seconds <= MAX_ASKED


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "²", "Wed, 99 Oct 2025 07:28:00 GMT"])
def test_what_says_nothing_is_left_alone(header: str | None) -> None:
    assert retry_after_seconds(header, now=NOW) is None


@given(st.integers(min_value=1, max_value=500), st.floats(min_value=0, max_value=1))
def test_each_wait_is_longer_than_the_last_and_none_is_for_ever(retry: int, chance: float) -> None:
    wait = pause_before(retry, chance=chance)

    assert 0.25 <= wait <= MAX_WAIT
    assert wait <= pause_before(retry + 2, chance=0.0) or wait >= MAX_WAIT / 2


@pytest.mark.parametrize("retry_after", ["0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_server_that_asks_for_no_wait_is_not_asked_again_at_once(retry_after: str) -> None:
    assert pause_before(4, chance=0.0) == pause_before(4, chance=0.0, retry_after=retry_after) > 0


@given(st.lists(st.floats(min_value=0, max_value=10), min_size=1, max_size=50))
def test_no_two_requests_begin_closer_than_the_pace(gaps: list[float]) -> None:
    now = 100.0
    pace = Pace(5.0, clock=lambda: now)
    begins = []
    for gap in gaps:
        now += gap
        now += pace.delay()
        begins.append(now)

    assert all(after - before >= 0.2 - 1e-9 for before, after in pairwise(begins))


def test_without_a_rate_nobody_waits() -> None:
    assert 0.0 == Pace().delay()
