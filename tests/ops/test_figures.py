"""Figures of earlier windows: one for each window that completed, the latest first."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.interval import Interval
from dataflow.ops.figures import Figure, earlier_figures, earlier_row_counts, last_figures, record_figures
from dataflow.ops.history import History
from dataflow.ops.runs import RunRecord, close_run, insert_run, now, reopen_run
from dataflow.ops.stages import StageKey, begin_stage, end_stage
from kit.databases import postgres_schema
from kit.runs import days


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def history(request, tmp_path: Path):
    if request.param == "sqlite":
        made = History(f"sqlite:///{tmp_path / 'ops.db'}")
        made.create()
        yield made
        return
    with postgres_schema() as url:
        made = History(url)
        made.create()
        yield made


def key(run_id: str, *, table: str = "orders", workflow: str = "shop", attempt: int = 1) -> StageKey:
    return StageKey(
        workflow=workflow,
        run_id=run_id,
        stage="VALIDATED",
        try_number=attempt,
        task_id=f"validate.{table}",
        table_name=table,
    )


def ran(
    history: History, run_id: str, window: Interval, figure: float, *, status: str = "COMPLETED", **of: str
) -> None:
    """Let a run measure one figure, and end."""
    workflow = of.get("workflow", "shop")
    record = RunRecord(
        workflow=workflow,
        run_id=run_id,
        kind="scheduled",
        engine="airflow",
        host="h",
        created_at=now(),
        window_from="ticks",
        window=window,
        ranges={},
    )
    with history.write() as connection:
        insert_run(connection, record)
    measured = Figure(name="anomaly_row_count", measures=of.get("measures", "row_count(*)"), figure=figure)
    record_figures(history, key(run_id, table=of.get("table", "orders"), workflow=workflow), [measured])
    if status != "OPEN":
        with history.write() as connection:
            close_run(connection, workflow, run_id=run_id, status=status, reason="")  # type: ignore[arg-type]


def earlier(history: History, window: Interval, *, run_id: str = "now", limit: int = 10) -> list[float]:
    found = earlier_figures(
        history, key(run_id), name="anomaly_row_count", measures="row_count(*)", window=window, limit=limit
    )
    return [figure for _, figure in found]


def test_only_runs_that_completed_count(history):
    ran(history, "a", days(0, 1), 10)
    ran(history, "b", days(1, 2), 20, status="FAILED")
    ran(history, "c", days(2, 3), 30, status="OPEN")
    ran(history, "d", days(3, 4), 40)

    assert [40, 10] == earlier(history, days(4, 5))
    assert [40] == earlier(history, days(4, 5), limit=1)


def test_a_backfill_is_compared_with_the_windows_before_its_own(history):
    for day in (5, 1, 3, 2):
        ran(history, f"run_{day}", days(day, day + 1), day)

    assert [2, 1] == earlier(history, days(3, 4), run_id="backfill")


def test_a_window_that_was_run_again_has_the_figure_of_its_last_run(history):
    ran(history, "first", days(0, 1), 10)
    ran(history, "again", days(0, 1), 12)
    ran(history, "failed", days(0, 1), 99, status="FAILED")

    assert [12] == earlier(history, days(1, 2))


def test_a_cleared_run_counts_with_its_last_try_once_it_completes_again(history):
    ran(history, "a", days(0, 1), 10)
    with history.write() as connection:
        record = RunRecord(
            workflow="shop", run_id="a", kind="", engine="", host="", created_at=now(), window_from="",
            window=None, ranges={},
        )  # fmt: skip
        reopen_run(connection, record)
    record_figures(history, key("a", attempt=2), [Figure(name="anomaly_row_count", measures="row_count(*)", figure=11)])

    assert [] == earlier(history, days(1, 2))
    with history.write() as connection:
        close_run(connection, "shop", run_id="a", status="COMPLETED", reason="")
    assert [11] == earlier(history, days(1, 2))
    assert [] == earlier(history, days(1, 2), run_id="a")


def test_other_workflows_tables_and_measures_are_others(history):
    ran(history, "a", days(0, 1), 1, workflow="other")
    ran(history, "b", days(1, 2), 2, table="customers")
    ran(history, "c", days(2, 3), 3, measures="row_count(*) where x")

    assert [] == earlier(history, days(9, 10))


def test_rows_that_were_ingested_before_there_was_a_check_are_known(history):
    ran(history, "a", days(0, 1), 1)
    ingest = StageKey(
        workflow="shop", run_id="a", stage="INGESTED", try_number=1, task_id="ingest.orders", table_name="orders"
    )
    end_stage(history, begin_stage(history, ingest), outcome="succeeded", rows_out=500)

    found = earlier_row_counts(history, key("now"), window=days(3, 4), limit=5)

    assert [(days(0, 1), 500.0)] == found


def test_the_last_figures_are_those_of_the_last_windows_also_of_runs_that_failed(history):
    for number, status in enumerate(("COMPLETED", "FAILED", "COMPLETED")):
        ran(history, f"r{number}", days(number, number + 1), 10.0 * number, status=status)
    ran(history, "again", days(1, 2), 11)
    ran(history, "other", days(0, 1), 99, workflow="stock")

    [measured] = last_figures(history, "shop", limit=2)

    assert ("orders", "anomaly_row_count", "row_count(*)") == (measured.table, measured.name, measured.measures)
    assert [(days(1, 2), 11), (days(2, 3), 20)] == [(window, each.figure) for window, each in measured.windows]


def test_the_last_figures_of_a_check_begin_anew_when_it_measures_something_else(history):
    ran(history, "a", days(0, 1), 10)
    ran(history, "b", days(1, 2), 3, measures="row_count(*) where paid")

    [measured] = last_figures(history, "shop", limit=9)

    assert "row_count(*) where paid" == measured.measures
    assert [3] == [each.figure for _, each in measured.windows]


def test_each_check_of_each_table_has_its_own_last_figures(history):
    ran(history, "a", days(0, 1), 10)
    ran(history, "b", days(1, 2), 20, table="lines")

    assert [("lines", 20), ("orders", 10)] == [
        (each.table, each.windows[-1][1].figure) for each in last_figures(history, "shop", limit=9)
    ]
