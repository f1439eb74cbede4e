"""Run history as people read it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dataflow.errors import InputError
from dataflow.ops.history import History
from dataflow.ops.reading import is_gone, list_runs, read_run
from dataflow.ops.runs import RunRecord, close_run, here, insert_run, now
from dataflow.ops.stages import (
    StageKey,
    begin_stage,
    end_stage,
    insert_moment,
    open_stage,
    record_anomaly,
    record_checks,
)
from kit.runs import days


def add_run(history: History, run_id: str = "r", **given: object) -> None:
    values: dict = {
        "workflow": "shop",
        "run_id": run_id,
        "kind": "scheduled",
        "engine": "airflow",
        "host": here(),
        "created_at": now(),
        "window_from": "ticks",
        "window": days(0, 1),
        "ranges": {},
    }
    with history.write() as connection:
        insert_run(connection, RunRecord(**values | given))


def key(try_number: int = 1, **given: str) -> StageKey:
    values: dict = {"stage": "INGESTED", "task_id": "ingest.orders", "table_name": "orders"} | given
    return StageKey(workflow="shop", run_id="r", try_number=try_number, **values)


def test_a_stage_has_a_begin_an_end_and_counts(history):
    add_run(history)
    number = begin_stage(history, key())
    end_stage(history, number, outcome="succeeded", rows_in=12, rows_out=10, size=99, uri="u")

    (stage,) = read_run(history, "r").stages

    assert ("succeeded", 12, 10, 99, "u") == (stage.state, stage.rows_in, stage.rows_out, stage.bytes, stage.uri)
    assert stage.seconds is not None


def test_the_end_of_a_stage_is_written_once(history):
    add_run(history)
    number = begin_stage(history, key())
    end_stage(history, number, outcome="failed", message="first")
    end_stage(history, number, outcome="succeeded")

    (stage,) = read_run(history, "r").stages

    assert ("failed", "first") == (stage.state, stage.message)


def test_a_try_that_was_killed_is_told_once_the_next_began(history):
    add_run(history)
    begin_stage(history, key(1))
    before = [stage.state for stage in read_run(history, "r").stages]
    end_stage(history, begin_stage(history, key(2)), outcome="succeeded")

    first, second = read_run(history, "r").stages

    assert ["running"] == before
    assert ("interrupted", "succeeded") == (first.state, second.state)
    assert "step ingest.orders, try 1 began and never ended (killed or lost)" == first.message


def test_a_try_that_was_killed_is_told_once_its_run_ended(history):
    add_run(history)
    begin_stage(history, key())
    with history.write() as connection:
        close_run(connection, "shop", run_id="r", status="FAILED", reason="")

    assert ["interrupted"] == [stage.state for stage in read_run(history, "r").stages]


def test_a_local_run_whose_process_is_gone_is_told_as_interrupted(history):
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    add_run(history, engine="local", pid=int(child.stdout))
    begin_stage(history, key())

    story = read_run(history, "r")

    assert is_gone(story.run)
    assert ["interrupted"] == [stage.state for stage in story.stages]


def test_the_open_try_of_a_stage_is_found(history):
    add_run(history)
    number = begin_stage(history, key())
    found = open_stage(history, key())
    end_stage(history, number, outcome="succeeded")

    assert (number, None) == (found, open_stage(history, key()))


def test_the_same_moment_is_written_once(history):
    add_run(history)
    with history.write() as connection:
        insert_moment(connection, key(stage="COMPLETED", task_id=""))
        insert_moment(connection, key(stage="COMPLETED", task_id=""))

    assert ["COMPLETED"] == [stage.stage for stage in read_run(history, "r").stages]


def test_checks_and_anomalies_are_read_in_the_order_they_were_written(history):
    add_run(history)
    outcome = {
        "name": "unique_id",
        "kind": "unique",
        "columns": ["id"],
        "status": "failed",
        "on_fail": "error",
        "failures": 2,
        "rows": 9,
        "message": "2 of 9",
    }
    record_checks(history, key(stage="VALIDATED"), [outcome, outcome | {"name": "second"}])
    record_anomaly(history, key(), category="DATA_QUALITY", message="orders: 1 failed")

    story = read_run(history, "r")

    assert ["unique_id", "second"] == [check["name"] for check in story.checks]
    assert [("error", "DATA_QUALITY")] == [(each["severity"], each["category"]) for each in story.anomalies]


def test_the_password_of_an_address_is_not_kept(history):
    add_run(history)
    record_anomaly(history, key(), category="STEP_ERROR", message="no answer from postgresql://me:hunter22@db:5432/x")
    end_stage(history, begin_stage(history, key()), outcome="failed", message="http://u:hunter22@h/")

    story = read_run(history, "r")

    assert "no answer from postgresql://***@db:5432/x" == story.anomalies[0]["message"]
    assert "http://***@h/" == story.stages[0].message


def test_long_texts_are_cut(history):
    add_run(history)
    record_anomaly(history, key(), category="C" * 100, message="x" * 100_000)

    assert 2_000 == len(read_run(history, "r").anomalies[0]["message"])


def test_runs_are_listed_newest_first(history):
    for number in range(3):
        add_run(history, f"r{number}")
    add_run(history, "other", workflow="weather")

    assert ["r2", "r1"] == [run.run_id for run in list_runs(history, workflow="shop", limit=2)]
    assert 4 == len(list_runs(history))


def test_an_unknown_run_is_an_error_that_says_where_to_look(history):
    with pytest.raises(InputError, match="dataflow runs list"):
        read_run(history, "r")


def test_an_id_of_two_workflows_asks_for_the_workflow(history):
    add_run(history)
    add_run(history, workflow="weather")

    with pytest.raises(InputError, match="shop, weather; name the workflow"):
        read_run(history, "r")

    assert "weather" == read_run(history, "r", workflow="weather").run.workflow
