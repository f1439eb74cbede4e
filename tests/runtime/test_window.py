"""Which window a run has."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.errors import FatalError, RunSuperseded, TransientError
from dataflow.interval import Interval
from dataflow.ops.history import History
from dataflow.ops.reading import list_runs, read_run
from dataflow.ops.runs import find_run
from dataflow.ops.tables import runs
from kit.databases import postgres_schema
from kit.runs import day, days
from kit.together import eight_at_once
from kit.windows import INCREMENTAL, ON_ASSET, House


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shared(request, tmp_path: Path):
    """A history that many processes write, wherever it lies."""
    with nullcontext(f"sqlite:///{tmp_path / 'ops.db'}") if request.param == "sqlite" else postgres_schema() as url:
        made = History(url)
        made.create()
        yield made


def test_eight_processes_that_ask_at_once_get_one_window(shared):
    """Each of them would decide otherwise; whoever is late reads what the first one wrote."""
    house = House(shared, **ON_ASSET, **INCREMENTAL)
    house.run("before", kind="asset", run_after=day(5))

    def decide(number: int) -> Interval:
        return house.start("r", kind="asset", run_after=day(10 + number), task_id=f"ingest.t{number}").window

    windows = set(eight_at_once(decide))
    story = read_run(shared, "r")

    assert {story.run.window} == windows
    assert (day(5), ["STARTED"]) == (story.run.window.start, [stage.stage for stage in story.stages])


def test_windows_follow_each_other_wherever_history_lies(shared):
    house = House(shared, **ON_ASSET, **INCREMENTAL)
    house.run("first", kind="asset", run_after=day(5))
    house.start("second", kind="asset", run_after=day(7))
    house.engine.states["second"] = "failed"
    third = house.run("third", kind="asset", run_after=day(9))

    with pytest.raises(RunSuperseded, match="superseded by run third"):
        house.start("second", kind="asset", run_after=day(7))

    assert (days(5, 9), {"events": days(5, 9)}) == (third.window, third.ranges)


def test_a_tick_gives_the_engines_interval(history):
    house = House(history)

    assert days(3, 4) == house.tick("r", 3).window


def test_a_window_is_decided_once(history):
    house = House(history)
    house.start("r", interval=days(3, 4))

    assert days(3, 4) == house.start("r", interval=days(7, 8), task_id="publish").window


def test_a_tick_schedule_without_an_interval_takes_the_last_complete_tick(history):
    house = House(history, schedule={"cron": "0 2 * * *", "timezone": "Europe/Berlin"})

    window = house.start("r", kind="manual", run_after=day(10, hour=5)).window

    assert Interval(day(9, hour=1), day(10, hour=1)) == window


def test_a_partition_gives_its_period(history):
    house = House(history, schedule={"cron": "@daily", "partition": "day"})

    window = house.start("r", partition_key="2025-01-06", partition=days(5, 6), interval=days(8, 9)).window

    assert days(5, 6) == window


def test_a_partitioned_run_without_a_key_takes_the_last_complete_period(history):
    house = House(history, schedule={"cron": "@monthly", "partition": "month"})

    assert days(0, 31) == house.start("r", kind="manual", run_after=day(40)).window


def test_the_first_run_on_an_asset_begins_at_the_start_date(history):
    house = House(history, **ON_ASSET)

    assert days(0, 5) == house.start("r", kind="asset", run_after=day(5)).window


def test_a_run_on_an_asset_begins_where_the_last_successful_one_ended(history):
    house = House(history, **ON_ASSET)
    house.run("first", kind="asset", run_after=day(5))
    house.start("second", kind="asset", run_after=day(7))
    house.engine.states["second"] = "failed"

    assert days(5, 9) == house.start("third", kind="asset", run_after=day(9)).window


def test_a_run_whose_window_a_later_one_covered_is_superseded(history):
    house = House(history, **ON_ASSET)
    house.start("first", kind="asset", run_after=day(5))
    house.engine.states["first"] = "failed"
    house.run("second", kind="asset", run_after=day(7))
    house.start("third", kind="asset", run_after=day(8))

    with pytest.raises(RunSuperseded, match="superseded by run second"):
        house.start("first", kind="asset", run_after=day(5), try_number=2)

    assert "SUPERSEDED" == read_run(history, "first").run.status


def test_a_run_for_which_nothing_was_new_has_what_is_new_when_it_is_deleted_and_triggered_again(history):
    house = House(history, **ON_ASSET)
    house.run("first", kind="asset", run_after=day(5))
    for _ in range(2):  # triggered, and cleared
        with pytest.raises(RunSuperseded, match="superseded by run first"):
            house.start("again", kind="asset", run_after=day(5))
    with history.write() as connection:
        connection.execute(sa.update(runs).where(runs.c.run_id == "again").values(created_at=day(5)))

    assert days(5, 9) == house.start("again", kind="asset", run_after=day(9)).window


def test_a_run_that_a_cleared_earlier_one_overlaps_leaves_the_rest_to_the_next(history):
    house = House(history, **ON_ASSET)
    house.start("first", kind="asset", run_after=day(5))
    house.engine.states["first"] = "failed"
    house.start("second", kind="asset", run_after=day(7))
    house.engine.states["second"] = "failed"
    house.run("first", kind="asset", run_after=day(5), try_number=2)

    with pytest.raises(RunSuperseded, match="superseded by run first"):
        house.start("second", kind="asset", run_after=day(7), try_number=2)
    house.engine.states["second"] = "success"

    assert days(5, 8) == house.start("third", kind="asset", run_after=day(8)).window


def test_a_run_that_is_not_due_after_the_last_end_is_superseded_at_once_and_stays_so(history):
    house = House(history, **ON_ASSET)
    house.run("first", kind="asset", run_after=day(5))

    for _ in range(2):
        with pytest.raises(RunSuperseded, match="superseded by run first"):
            house.start("late", kind="asset", run_after=day(5))

    assert "nothing is new since run first" == read_run(history, "late").run.reason


def test_a_manual_run_of_a_tick_that_was_run_is_not_superseded(history):
    house = House(history)
    house.tick("scheduled", 3)

    assert days(3, 4) == house.start("by hand", kind="manual", interval=days(3, 4)).window


def test_a_run_that_follows_another_waits_until_that_one_ended(history):
    house = House(history, **ON_ASSET)
    house.start("first", kind="asset", run_after=day(5))

    with pytest.raises(TransientError, match="run first still runs"):
        house.start("second", kind="asset", run_after=day(7))


def test_a_cleared_run_that_waits_in_the_queue_holds_nobody_up(history):
    house = House(history, **ON_ASSET)
    house.start("first", kind="asset", run_after=day(5))
    house.engine.states["first"] = "queued"

    assert days(0, 7) == house.start("second", kind="asset", run_after=day(7)).window


def test_a_run_that_its_engine_forgot_is_closed_as_failed(history):
    house = House(history)
    house.start("gone", interval=days(0, 1))
    del house.engine.states["gone"]
    house.tick("next", 1)

    run = read_run(history, "gone").run

    assert ("FAILED", "lost: its engine no longer knows it") == (run.status, run.reason)


def test_a_local_run_that_was_killed_is_closed_as_failed(history, tmp_path):
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    house = House(history)
    house.start("local", interval=days(0, 1), engine="local")
    with history.write() as connection:
        connection.exec_driver_sql(f"UPDATE core_runs SET pid = {int(child.stdout)}")

    house.tick("next", 1)

    assert "FAILED" == read_run(history, "local").run.status


def test_a_cleared_run_is_open_again_and_what_it_completed_stays(history):
    house = House(history, **ON_ASSET)
    house.run("first", kind="asset", run_after=day(5))
    house.run("second", kind="asset", run_after=day(7))
    house.start("first", kind="asset", run_after=day(5), try_number=2)
    house.engine.states["first"] = "failed"

    assert days(7, 9) == house.start("third", kind="asset", run_after=day(9)).window


def test_a_window_that_somebody_asked_for_goes_before_all(history):
    house = House(history, **ON_ASSET)
    house.run("first", kind="asset", run_after=day(5))

    assert days(1, 2) == house.start("again", kind="manual", run_after=day(6), window=days(1, 2)).window


def test_a_window_in_the_future_is_refused(history):
    house = House(history)
    far = Interval(day(365 * 90), day(365 * 90 + 1))

    with pytest.raises(FatalError, match="ends in the future"):
        house.start("r", window=far)


def test_a_run_due_before_the_start_date_is_refused(history):
    house = House(history, **ON_ASSET)

    with pytest.raises(FatalError, match="before the workflow's start_date"):
        house.start("r", kind="asset", run_after=day(-1))


def test_a_manual_workflow_needs_no_start_date(history):
    house = House(history, schedule="manual", start_date=None)
    house.run("first", kind="manual", run_after=day(5))

    assert days(5, 8) == house.start("second", kind="manual", run_after=day(8)).window


def test_a_superseded_run_stays_superseded_though_its_engine_calls_it_a_success(history):
    house = House(history, **ON_ASSET)
    house.run("first", kind="asset", run_after=day(5))
    with pytest.raises(RunSuperseded):
        house.start("late", kind="asset", run_after=day(4))
    house.engine.states["late"] = "success"

    assert days(5, 6) == house.start("next", kind="asset", run_after=day(6)).window
    assert "SUPERSEDED" == read_run(history, "late").run.status


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_completed_windows_never_overlap_and_tile_without_a_gap(data):
    """Runs succeed, fail, are lost, are cleared; ends are told or not: what completed is one span without a seam."""
    with tempfile.TemporaryDirectory() as folder:
        history = History(f"sqlite:///{folder}/ops.db")
        history.create()
        house = House(history, **ON_ASSET, **INCREMENTAL)
        clock = day(0)
        for number in range(data.draw(st.integers(1, 10), label="runs")):
            cleared = data.draw(st.none() | st.integers(0, number), label="cleared")
            if cleared is None:
                clock += timedelta(hours=data.draw(st.integers(0, 30), label="hours"))
            run_id = f"r{number if cleared is None else min(cleared, max(number - 1, 0))}"
            due = house.engine.states.get(f"{run_id} due", clock.isoformat())
            house.engine.states[f"{run_id} due"] = due
            try:
                house.start(run_id, kind="asset", run_after=type(clock).fromisoformat(due))
            except RunSuperseded:
                house.engine.states[run_id] = "success"
                continue
            except FatalError:
                house.engine.states[run_id] = "failed"
                continue
            end = data.draw(st.sampled_from(["success", "failed", "gone"]), label="end")
            if end == "success":
                house.land(run_id, "events")
            house.engine.states[run_id] = end
            if end == "gone":
                del house.engine.states[run_id]
        last = clock + timedelta(days=1)
        try:
            house.run("last", kind="asset", run_after=last)
            house.run("very last", kind="asset", run_after=last + timedelta(hours=1))
        except RunSuperseded:  # pragma: no cover
            raise AssertionError("a run due after all others has something to do") from None

        windows = sorted(run.window for run in list_runs(history) if run.completed_at and run.window)
        ranges = sorted(run.ranges["events"] for run in list_runs(history) if run.completed_at and run.window)

        assert windows[0].start == day(0)
        assert all(before.end == after.start for before, after in itertools.pairwise(windows))
        assert windows == ranges


def test_a_run_is_found_by_the_workflow_and_its_id_together(history):
    house, other = House(history), House(history, name="weather")
    house.tick("same", 0)
    other.tick("same", 4)

    with history.read() as connection:
        found = [find_run(connection, name, run_id="same") for name in ("shop", "weather")]

    assert [days(0, 1), days(4, 5)] == [run.window for run in found]


def test_the_first_task_of_a_run_writes_that_it_started(history):
    house = House(history)
    house.start("r", interval=days(0, 1))
    house.start("r", interval=days(0, 1), task_id="publish")

    assert ["STARTED"] == [stage.stage for stage in read_run(history, "r").stages]


def test_a_request_may_be_made_again_with_another_task(history):
    house = House(history)
    request = house.engine.request("r", interval=days(0, 1))

    assert "publish" == replace(request, task_id="publish").task_id
