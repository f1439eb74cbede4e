"""Which ranges of its sources a run reads, and how far they have been read without a gap."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import FatalError
from dataflow.interval import Interval
from dataflow.runtime.window import mark_after
from kit.runs import EVENTS, day, days
from kit.windows import INCREMENTAL, House


def test_the_first_range_begins_at_the_start(history):
    source = EVENTS | {"incremental": {"cursor": "at", "start": "2024-12-01"}}
    house = House(history, sources={"events": source})

    assert {"events": Interval(day(-31), day(4))} == house.tick("r", 3).ranges


def test_a_range_goes_from_the_mark_less_the_lag_to_the_windows_end(history):
    source = EVENTS | {"incremental": {"cursor": "at", "lag": "12h"}}
    house = House(history, sources={"events": source})
    house.tick("first", 2)

    assert {"events": Interval(day(2, hour=12), day(9))} == house.tick("after downtime", 8).ranges


def test_the_lag_never_reads_before_the_start(history):
    source = EVENTS | {"incremental": {"cursor": "at", "lag": "9d"}}
    house = House(history, sources={"events": source})
    house.tick("first", 2)

    assert {"events": days(0, 4)} == house.tick("second", 3).ranges


def test_a_backfill_reads_its_own_window_and_moves_no_mark_over_a_gap(history):
    house = House(history, **INCREMENTAL)
    house.tick("first", 0)

    backfill = house.tick("backfill", 5, kind="backfill").ranges
    after = house.tick("next", 8).ranges

    assert ({"events": days(5, 6)}, {"events": days(1, 9)}) == (backfill, after)


def test_a_run_of_a_window_that_was_read_reads_it_again(history):
    house = House(history, **INCREMENTAL)
    house.tick("first", 0)
    house.tick("second", 1)

    assert {"events": days(0, 1)} == house.tick("by hand", 0, kind="manual").ranges


def test_two_runs_at_once_read_from_the_same_mark(history):
    house = House(history, max_active_runs=2, **INCREMENTAL)
    house.tick("zero", 0)
    one = house.start("one", interval=days(1, 2)).ranges
    two = house.start("two", interval=days(2, 3)).ranges
    house.land("two", "events")
    house.engine.states |= {"one": "failed", "two": "success"}

    assert ({"events": days(1, 2)}, {"events": days(1, 3)}) == (one, two)
    assert {"events": days(3, 4)} == house.tick("three", 3).ranges


def test_a_source_that_a_run_left_out_is_read_from_where_it_was_last_read(history):
    """A choice took the way without it: the run is a success, and nothing of the source was read."""
    house = House(history, **INCREMENTAL)
    house.tick("read", 0)
    for number in (1, 2):
        house.start(f"left out {number}", interval=days(number, number + 1), run_after=day(number + 1))
        house.engine.states[f"left out {number}"] = "success"

    assert {"events": days(1, 4)} == house.tick("read again", 3).ranges


def test_an_incremental_source_without_any_start_is_refused(history):
    house = House(history, schedule="manual", start_date=None, **INCREMENTAL)

    with pytest.raises(FatalError, match="give `start`"):
        house.start("r", kind="manual")


spans = st.tuples(st.integers(0, 30), st.integers(1, 10)).map(lambda pair: days(pair[0], pair[0] + pair[1]))


@given(st.lists(spans, max_size=20))
def test_a_mark_moves_forward_only_and_never_over_a_gap(completed):
    marks = [mark_after([("r", s) for s in completed[:count]], start=day(0))[0] for count in range(len(completed) + 1)]
    read = set(itertools.chain.from_iterable(range((s.start - day(0)).days, (s.end - day(0)).days) for s in completed))

    assert sorted(marks) == marks
    assert set(range((marks[-1] - day(0)).days)) <= read
