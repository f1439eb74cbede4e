"""Of the tries of a task only the one counts that was started last, whenever the others come to work."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dataflow.errors import FatalError, TrySuperseded
from dataflow.landing.current import current_manifest
from dataflow.landing.manifest import part_paths
from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from dataflow.warehouse.connection import open_warehouse
from kit.airflow_run import AirflowRun
from kit.meanwhile import let_happen
from kit.project import DAILY, Project
from kit.store import bucket, connect, disconnect, proxy

INGESTION = """
from kit import meanwhile
READ = []
def orders(ctx):
    READ.append(1)
    number = len(READ)
    yield [{"order_id": number, "amount": 1}]
    meanwhile.happens()
"""
TRANSFORM = """
from kit import meanwhile
def orders(ctx, orders):
    meanwhile.happens()
    return orders
"""


@pytest.fixture
def run(project: Project) -> AirflowRun:
    source = {"type": "python", "columns": {"order_id": "BIGINT", "amount": "BIGINT"}}
    config = {
        **DAILY,
        "sources": {"orders": source},
        "validate": {"orders": [{"range": {"column": "amount", "min": 0}, "on_fail": "quarantine"}]},
        "transform": {"orders": [{"python": "orders"}]},
    }
    project.write_workflow("shop", config, ingestion=INGESTION, transform=TRANSFORM)
    return AirflowRun(project)


def orders_seen(run: AirflowRun) -> list[int]:
    """Give the orders that others see of the run's window."""
    window = read_run(open_history(run.settings.ops), run.run_id).run.window
    batch = current_manifest(run.settings.landing, "shop", "orders", window)
    return [row[0] for row in duckdb.execute("SELECT order_id FROM read_parquet(?)", [part_paths(batch)]).fetchall()]


def orders_loaded(run: AirflowRun) -> list[int]:
    with open_warehouse(run.settings, purpose="test") as connection:
        return [row[0] for row in connection.execute("SELECT order_id FROM staging_shop.orders").fetchall()]


def told(run: AirflowRun) -> list[tuple[str, int, str]]:
    story = read_run(open_history(run.settings.ops), run.run_id)
    return [(stage.task_id, stage.try_number, stage.state) for stage in story.stages if stage.task_id]


def test_a_try_that_stalled_before_its_begin_does_nothing_once_a_later_one_began(run: AirflowRun):
    stalled = run.start("ingest.orders")
    run.do("ingest.orders", try_number=2)
    before = orders_seen(run)

    with pytest.raises(TrySuperseded, match=r"try 1 of ingest\.orders was taken for dead and try 2 began"):
        run.work(stalled)

    assert before == orders_seen(run)
    assert [("ingest.orders", 2, "succeeded")] == told(run)


def test_a_try_that_stalls_while_it_reads_does_not_show_its_batch_over_that_of_a_later_one(run: AirflowRun):
    stalled = run.start("ingest.orders")
    let_happen(lambda: run.do("ingest.orders", try_number=2))

    with pytest.raises(TrySuperseded, match="try 2 began"):
        run.work(stalled)

    assert [2] == orders_seen(run)
    assert [("ingest.orders", 1, "failed"), ("ingest.orders", 2, "succeeded")] == told(run)


def test_a_try_that_stalls_while_it_shows_its_batch_does_not_show_it_over_that_of_a_later_one(
    project: Project, run: AirflowRun
):
    with bucket() as store, proxy(store.port) as before:
        connection = connect(before.port)
        project.write_file(".env", f"DATAFLOW_LANDING=s3://{connection}@{store.name}/landing\n")
        run.settings = project.settings()
        stalled = run.start("ingest.orders")

        def at_the_swap(method: str, path: str) -> None:
            if method == "PUT" and path.endswith("/current.json"):
                before.misbehaves = lambda method, path: None
                run.do("ingest.orders", try_number=2)

        before.misbehaves = at_the_swap

        with pytest.raises(TrySuperseded, match="try 2 began"):
            run.work(stalled)

        window = read_run(open_history(run.settings.ops), run.run_id).run.window
        seen = current_manifest(run.settings.landing, "shop", "orders", window)
        assert seen is not None
        assert 2 == seen.try_number
        disconnect(connection)


def test_a_try_that_stalls_while_it_transforms_loads_nothing_over_a_later_one(run: AirflowRun, tmp_path: Path):
    run.do("ingest.orders")
    run.do("validate.orders")
    stalled = run.start("transform.orders")

    def later() -> None:
        run.settings = run.settings.model_copy(update={"scratch": tmp_path / "of another machine"})
        run.do("ingest.orders", try_number=2)
        run.do("validate.orders", try_number=2)
        run.do("transform.orders", try_number=2)

    let_happen(later)

    with pytest.raises(TrySuperseded, match="try 2 began"):
        run.work(stalled)

    assert [2] == orders_loaded(run)


def test_a_try_whose_scratch_folder_a_later_one_took_away_says_what_really_happened(run: AirflowRun):
    run.do("ingest.orders")
    run.do("validate.orders")
    stalled = run.start("transform.orders")
    let_happen(lambda: run.do("transform.orders", try_number=2))

    with pytest.raises(TrySuperseded, match="try 2 began"):
        run.work(stalled)


def test_a_stalled_try_does_not_open_a_run_that_ended(run: AirflowRun):
    stalled = run.start("ingest.orders")
    for task in ("ingest.orders", "validate.orders", "transform.orders", "publish"):
        run.do(task, try_number=2)
    run.end()

    with pytest.raises(TrySuperseded):
        run.work(stalled)

    assert "COMPLETED" == read_run(open_history(run.settings.ops), run.run_id).run.status


def test_a_try_of_a_run_that_was_deleted_does_nothing_once_the_run_began_anew(run: AirflowRun, project: Project):
    stalled = run.start("ingest.orders")
    again = AirflowRun(project)
    again.do("ingest.orders")

    with pytest.raises(TrySuperseded, match=r"taken for dead and its run began anew under the id manual__1"):
        run.work(stalled)

    assert [("ingest.orders", 1, "succeeded")] == told(run)


def test_the_first_try_of_a_run_that_began_anew_counts_though_the_deleted_one_had_more(
    run: AirflowRun, project: Project
):
    for number in (1, 2, 3):
        run.do("ingest.orders", try_number=number)

    again = AirflowRun(project)
    again.do("ingest.orders")

    assert [4] == orders_seen(again)


def test_a_later_try_goes_on_though_a_clock_says_that_it_was_started_before_the_first(run: AirflowRun):
    second = run.start("ingest.orders", try_number=2)
    run.do("ingest.orders")

    run.work(second)

    assert [2] == orders_seen(run)


def test_a_try_that_was_taken_for_dead_is_not_tried_again():
    assert issubclass(TrySuperseded, FatalError)
