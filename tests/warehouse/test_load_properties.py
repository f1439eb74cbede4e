"""Whatever the order of loads: the table is what a plain reference makes of all batches, row by row.

The references say which rows stay without stepping through the loads: of each batch that was ever loaded, a row
stays if no later read covers it (append), if it is the newest of its key (merge), if its run is the newest (replace).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.interval import Interval
from dataflow.warehouse.load import LoadRequest, load
from kit.warehouse import START, day

pytestmark = pytest.mark.slow

DAYS = 5
HOURS = DAYS * 24

EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Row:
    """A row of a batch; ``at`` is its age in hours, ``cursor`` its cursor."""

    id: int
    at: int
    value: str


@dataclass(frozen=True)
class Load:
    """One load of a history, in the order in which they happen."""

    run_id: str
    window: Interval
    rows: tuple[Row, ...]
    cursor: Interval | None = None


def moment(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def loaded(row: Row, by: Load) -> tuple[Any, ...]:
    """Give a row as the table has it."""
    return (row.id, row.at, row.value, by.run_id, by.window.start.isoformat(), by.window.end.isoformat())


@contextmanager
def warehouse() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection, Path(folder)


def stage(connection: duckdb.DuckDBPyConnection, file: Path, one: Load) -> list[str]:
    connection.execute("CREATE OR REPLACE TEMP TABLE made (id BIGINT, at_hour BIGINT, value VARCHAR)")
    if one.rows:
        connection.executemany("INSERT INTO made VALUES (?, ?, ?)", [[r.id, r.at, r.value] for r in one.rows])
    own = ", to_timestamp(epoch(TIMESTAMPTZ '2025-01-01 00:00:00Z') + at_hour * 3600) AS _dataflow_cursor"
    selected = f"SELECT *{own if one.cursor else ''} FROM made"
    connection.execute(f"COPY ({selected}) TO '{file}' (FORMAT parquet)")
    return [str(file)]


def table_after(
    history: Sequence[Load], mode: Literal["replace", "append", "merge"], **given: Any
) -> list[tuple[Any, ...]]:
    """Load the history; give the table's rows, sorted."""
    with warehouse() as (connection, folder):
        for number, one in enumerate(history):
            request = LoadRequest(
                workflow="shop",
                table="orders",
                mode=mode,
                run_id=one.run_id,
                window=one.window,
                cursor=one.cursor,
                parquet=stage(connection, folder / f"{number}.parquet", one),
                **given,
            )
            result = load(connection, request)
            assert len(one.rows) == result.rows_in
        found = connection.execute(
            "SELECT id, at_hour, value, _dataflow_run, epoch_us(_dataflow_window_start), "
            "epoch_us(_dataflow_window_end) FROM staging_shop.orders"
        ).fetchall()
        assert len(found) == result.rows_after
    epoch = datetime.fromtimestamp(0, tz=START.tzinfo)
    in_text = [
        (*row[:4], *((epoch + timedelta(microseconds=micros)).isoformat() for micros in row[4:])) for row in found
    ]
    return sorted(in_text)


# Batches

values = st.sampled_from("abcdef")
batches = st.lists(st.builds(Row, id=st.integers(1, 6), at=st.integers(0, 20), value=values), max_size=6).map(tuple)
windows = st.integers(0, DAYS - 1).map(day)
run_ids = st.sampled_from(["scheduled", "manual", "backfill", "again"])
histories = st.lists(st.builds(Load, run_id=run_ids, window=windows, rows=batches), min_size=1, max_size=8)


def settled(one: Load, number: int) -> Load:
    """Make rows of one key and age equal within the batch, and different from those of other batches."""
    return replace(one, rows=tuple(replace(row, value=f"load {number}") for row in one.rows))


# Incremental histories: ticks, downtime, a lag, late rows, reruns and backfills


@dataclass(frozen=True)
class Arrival:
    """A row of the source, and the hour from which reads find it."""

    row: Row
    arrives: int


hours = st.integers(0, HOURS - 1) | st.sampled_from(range(0, HOURS, 24))  # and just where ranges meet


@st.composite
def incremental_histories(draw: st.DrawFn) -> list[Load]:
    """Give the loads of an incremental source, as the platform's rules choose their ranges."""
    lag = draw(st.sampled_from([0, 3, 12, 30]))
    source = [
        Arrival(Row(draw(st.integers(1, 5)), at, draw(values)), at + draw(st.sampled_from([0, 0, 1, 10, 40])))
        for at in draw(st.lists(hours, max_size=14))
    ]
    ticks = draw(st.lists(st.booleans(), min_size=DAYS, max_size=DAYS))  # False: the house was down
    mark, now = 0, 0
    history: list[Load] = []
    done: list[Load] = []

    def read(window: Interval, start: int, end: int, run_id: str) -> Load:
        found = tuple(a.row for a in source if start <= a.row.at < end and a.arrives <= now)
        return Load(run_id, window, found, Interval(moment(start), moment(end)))

    for number, up in enumerate(ticks):
        now = (number + 1) * 24
        if up:
            start = max(mark - lag, 0)
            history.append(read(day(number), start, now, f"scheduled {number}"))
            done.append(history[-1])
            mark = now
    now = HOURS + 48  # afterwards: everything late has arrived
    for again in draw(st.lists(st.integers(0, 9), max_size=4)):
        if again < DAYS:
            history.append(read(day(again), again * 24, again * 24 + 24, f"backfill {again}"))
        elif done:
            old = done[again % len(done)]
            assert old.cursor is not None
            start, end = (int((at - START) / timedelta(hours=1)) for at in (old.cursor.start, old.cursor.end))
            history.append(read(old.window, start, end, old.run_id))
    return history or [read(day(0), 0, 24, "only")]


# What must hold


@EXAMPLES
@given(histories)
def test_replace_leaves_the_rows_of_the_newest_run(history: list[Load]):
    newest = max(enumerate(history), key=lambda numbered: (numbered[1].window.end, numbered[0]))[1]

    expected = sorted(loaded(row, newest) for row in newest.rows)

    assert expected == table_after(history, "replace")


@EXAMPLES
@given(histories)
def test_append_leaves_each_windows_last_read(history: list[Load]):
    last = {one.window: one for one in history}

    expected = sorted(loaded(row, one) for one in last.values() for row in one.rows)

    assert expected == table_after(history, "append", windowed=True)


@EXAMPLES
@given(histories)
def test_append_without_windows_leaves_each_runs_last_read(history: list[Load]):
    last = {one.run_id: one for one in history}

    expected = sorted(loaded(row, one) for one in last.values() for row in one.rows)

    assert expected == table_after(history, "append")


@EXAMPLES
@given(incremental_histories())
def test_append_of_ranges_leaves_each_row_of_the_last_read_that_covers_it(history: list[Load]):
    expected = sorted(
        loaded(row, one)
        for number, one in enumerate(history)
        for row in one.rows
        if not any(later.cursor and moment(row.at) in later.cursor for later in history[number + 1 :])
    )

    assert expected == table_after(history, "append", windowed=True)


def newest_of_each_key(history: Sequence[Load]) -> list[tuple[Any, ...]]:
    candidates = [
        ((row.at, one.window.end, one.window.start, number), row, one)
        for number, one in enumerate(history)
        for row in one.rows
    ]
    best = {row.id: (row, one) for _, row, one in sorted(candidates, key=lambda candidate: candidate[0])}
    return sorted(loaded(row, one) for row, one in best.values())


@EXAMPLES
@given(histories)
def test_merge_leaves_the_newest_row_of_each_key(history: list[Load]):
    history = [settled(one, number) for number, one in enumerate(history)]

    expected = newest_of_each_key(history)

    assert expected == table_after(history, "merge", key=("id",), newest_by="at_hour", windowed=True)


@EXAMPLES
@given(incremental_histories())
def test_merge_of_ranges_leaves_the_newest_row_of_each_key(history: list[Load]):
    history = [settled(one, number) for number, one in enumerate(history)]

    expected = newest_of_each_key(history)

    assert expected == table_after(history, "merge", key=("id",), newest_by="at_hour", windowed=True)


@EXAMPLES
@given(histories)
def test_merge_without_an_age_leaves_the_last_row_of_each_key(history: list[Load]):
    history = [
        replace(one, rows=tuple(replace(row, at=0, value=f"load {number}") for row in one.rows))
        for number, one in enumerate(history)
    ]
    best = {row.id: loaded(row, one) for one in history for row in one.rows}

    assert sorted(best.values()) == table_after(history, "merge", key=("id",))


@EXAMPLES
@given(st.lists(st.builds(Load, run_id=run_ids, window=windows, rows=batches), min_size=1, max_size=5), st.randoms())
def test_merge_of_different_windows_gives_the_same_table_in_any_order(history: list[Load], random: Any):
    different = list({one.window: settled(one, number) for number, one in enumerate(history)}.values())
    shuffled = random.sample(different, len(different))

    given_ = {"key": ("id",), "newest_by": "at_hour", "windowed": True}

    assert table_after(different, "merge", **given_) == table_after(shuffled, "merge", **given_)
