"""The upkeep: what it deletes, what it leaves, and that it does no harm beside others."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dataflow.factory.maintenance import maintenance_dag
from dataflow.interval import Interval
from dataflow.landing.current import current_manifest
from dataflow.landing.manifest import read_manifest, verify
from dataflow.maintenance.chores import CHORES, do_chore
from dataflow.ops.history import History, open_history
from dataflow.ops.runs import RunRecord, completed_runs, ingested_sources, insert_run
from dataflow.ops.stages import StageKey, begin_stage, end_stage
from dataflow.ops.tables import quarantine, runs, stages
from dataflow.quarantine.records import QuarantineKey
from dataflow.settings import Settings
from dataflow.warehouse.builds import newest, stamp
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.snapshot import current_snapshot, publish
from dataflow.warehouse.upkeep import tidy_lake
from kit.landing import land
from kit.project import Project
from kit.warehouse import House, day

YEARS_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def settings(project: Project) -> Settings:
    return project.settings()


@pytest.fixture
def history(settings: Settings) -> History:
    return open_history(settings.ops)


def age(folder: Path, *, days: float = 1_000) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (time.time() - days * 86_400,) * 2)


def write_run(history: History, run_id: str, *, window: Interval, status: str = "COMPLETED") -> None:
    record = RunRecord(
        workflow="shop",
        run_id=run_id,
        kind="manual",
        engine="local",
        host="here",
        created_at=YEARS_AGO + (window.start - day(0).start),
        window_from="given",
        window=window,
        ranges={},
        status=status,  # type: ignore[arg-type]  # one of the four
        ended_at=None if status == "OPEN" else YEARS_AGO,
        completed_at=None if status == "OPEN" else YEARS_AGO,
    )
    with history.write() as connection:
        insert_run(connection, record)


def test_old_batches_go_but_not_those_that_somebody_needs(settings: Settings, history: History):
    batches = {run: land(settings.landing, run_id=run, window=day(number)) for number, run in enumerate("abcde")}
    again = land(settings.landing, run_id="a", window=day(0))
    for number, run in enumerate("abcde"):
        write_run(history, run, window=day(number), status="OPEN" if run == "b" else "COMPLETED")
    waiting = QuarantineKey(
        workflow="shop",
        run_id="c",
        table="orders",
        task_id="validate.orders",
        try_number=1,
        window=day(2),
        stage="validate",
    )
    from dataflow.quarantine.records import insert_quarantined

    with history.write() as connection:
        insert_quarantined(connection, waiting, rows=1, uri="nowhere/manifest.json", reasons={})
    age(settings.landing)
    young = land(settings.landing, run_id="f", window=day(3))

    assert ["3 batches of shop.orders"] == list(do_chore("landing", settings, dry_run=True).told)
    verify(batches["a"])
    assert ["3 batches of shop.orders"] == list(do_chore("landing", settings).told)

    assert [] == [run for run in "ad" if Path(batches[run].uri).exists()]
    assert not Path(again.folder).exists()
    for kept in (batches["b"], batches["c"], batches["e"], young):
        verify(read_manifest(kept.uri))
    assert current_manifest(settings.landing, "shop", "orders", day(0)) is None
    assert young == current_manifest(settings.landing, "shop", "orders", day(3))
    assert () == do_chore("landing", settings).told


def test_marks_and_windows_survive_the_deletion_of_old_history(settings: Settings, history: History):
    for number in range(103):
        write_run(history, f"r{number}", window=day(number))
        for stage in ("INGESTED", "VALIDATED"):
            key = StageKey(workflow="shop", run_id=f"r{number}", stage=stage, try_number=1, table_name="orders")  # type: ignore[arg-type]  # one of the names
            end_stage(history, begin_stage(history, key), outcome="succeeded")
    write_run(history, "open", window=day(-1), status="OPEN")
    with history.read() as connection:
        before = completed_runs(connection, "shop"), ingested_sources(connection, "shop")

    assert ["3 rows of core_manifest"] == list(do_chore("history", settings, dry_run=True).told)
    assert ["3 rows of core_manifest"] == list(do_chore("history", settings).told)

    with history.read() as connection:
        assert before == (completed_runs(connection, "shop"), ingested_sources(connection, "shop"))
        left = connection.execute(sa.select(stages.c.run_id).where(stages.c.stage == "VALIDATED")).scalars()
        assert {f"r{number}" for number in range(3, 103)} == set(left)
        assert 104 == connection.execute(sa.select(sa.func.count()).select_from(runs)).scalar_one()
    assert () == do_chore("history", settings).told


def test_a_workflow_with_rows_to_replay_keeps_the_story_of_its_runs(settings: Settings, history: History):
    for number in range(103):
        write_run(history, f"r{number}", window=day(number))
        key = StageKey(workflow="shop", run_id=f"r{number}", stage="TRANSFORMED", try_number=1, table_name="orders")
        end_stage(history, begin_stage(history, key), outcome="succeeded")
    values = {"workflow": "shop", "table_name": "orders", "check_name": "c", "rows": 1, "quarantined_at": YEARS_AGO}
    with history.write() as connection:
        connection.execute(sa.insert(quarantine).values(**values, run_id="r0", uri="r0/m"))

    assert () == do_chore("history", settings).told

    with history.write() as connection:
        connection.execute(sa.update(quarantine).values(replayed_by="somebody"))
    assert ["3 rows of core_manifest"] == list(do_chore("history", settings).told)


def test_what_waits_in_quarantine_stays_whatever_its_age(settings: Settings, history: History):
    values = {"workflow": "shop", "table_name": "orders", "check_name": "c", "rows": 1, "quarantined_at": YEARS_AGO}
    with history.write() as connection:
        for run_id, replayed_by in (("waits", None), ("over", "somebody")):
            connection.execute(
                sa.insert(quarantine).values(**values, run_id=run_id, uri=f"{run_id}/m", replayed_by=replayed_by)
            )

    assert ["1 records of quarantine that are over"] == list(do_chore("quarantine", settings).told)

    with history.read() as connection:
        assert ["waits"] == list(connection.execute(sa.select(quarantine.c.run_id)).scalars())


def test_folders_that_no_publish_made_are_left_alone(house: House):
    theirs = house.settings.published / "theirs" / "data"
    theirs.mkdir(parents=True)
    house.load("SELECT 1 AS id")
    for number in range(2):
        publish(house.settings, "shop", tables=["orders"], run_id=f"r{number}")
    mine = house.settings.published / "shop" / "notes"
    mine.mkdir()
    age(house.settings.published)

    assert ["1 versions of shop"] == list(do_chore("published", house.settings).told)

    assert theirs.is_dir()
    assert mine.is_dir()


def test_versions_that_readers_left_go_and_the_current_one_stays(house: House):
    house.load("SELECT 1 AS id")
    for number in range(3):
        publish(house.settings, "shop", tables=["orders"], run_id=f"r{number}")
    age(house.settings.published)

    assert ["2 versions of shop"] == list(do_chore("published", house.settings).told)

    snapshot = current_snapshot(house.settings, "shop")
    assert snapshot is not None
    assert snapshot.database.exists()


def test_the_newest_stamps_stay(either: House):
    with open_warehouse(either.settings, purpose="test") as connection:
        for run_id in ("r1", "r2", "r3"):
            stamp(connection, "shop", run_id)
        stamp(connection, "weather", "w1")
    for number in (1, 3, 2):
        either.load(f"SELECT {number} AS id", window=day(number), run_id=f"r{number}")

    told = do_chore("warehouse", either.settings).told

    assert {"2 old stamps of builds", "1 old stamps of loads"} <= set(told)
    with open_warehouse(either.settings, purpose="test") as connection:
        found = newest(connection, "shop"), newest(connection, "weather")
    assert ["r3", "w1"] == [each[0] for each in found if each is not None]
    assert "replaces nothing" in str(either.load("SELECT 2 AS id", window=day(2), run_id="late").skipped)


@pytest.mark.postgres
def test_a_lake_is_put_together_and_keeps_its_rows(lake: House):
    for number in range(5):
        rows = f"SELECT i + {number} * 50 AS id FROM range(50) t(i)"
        lake.load(rows, mode="append", windowed=True, window=day(number), run_id=f"r{number}")
    lake.settings = lake.settings.model_copy(update={"keep_snapshots": timedelta(0)})
    before = len(list((lake.root / ".dataflow/lake").rglob("*.parquet")))

    dry = do_chore("warehouse", lake.settings, dry_run=True).told
    untouched = len(list((lake.root / ".dataflow/lake").rglob("*.parquet")))
    first = do_chore("warehouse", lake.settings).told
    do_chore("warehouse", lake.settings)

    assert any("versions of the lake" in line for line in dry)
    assert before == untouched
    assert any("files put together" in line for line in first)
    assert 5 == before
    assert 1 == len(list((lake.root / ".dataflow/lake").rglob("*.parquet")))
    assert [(250, 250)] == lake.rows("SELECT count(*), count(DISTINCT id) FROM staging_shop.orders")


@pytest.mark.postgres
def test_loads_beside_the_upkeep_of_a_lake_lose_nothing(lake: House):
    import threading

    stop, failed = threading.Event(), []
    lake.settings = lake.settings.model_copy(update={"keep_snapshots": timedelta(0)})

    def tidy() -> None:
        while not stop.is_set():
            try:
                do_chore("warehouse", lake.settings)
            except Exception as exc:  # noqa: BLE001 - told by the assertion
                failed.append(exc)
                return

    keeper = threading.Thread(target=tidy)
    keeper.start()
    try:
        for number in range(10):
            rows = f"SELECT i AS id, {number} AS since FROM range(50) t(i)"
            lake.load(rows, mode="merge", key=("id",), newest_by="since", windowed=True, window=day(number))
    finally:
        stop.set()
        keeper.join()

    assert [] == failed
    assert [(50, 9)] == lake.rows("SELECT count(*), min(since) FROM staging_shop.orders")


@pytest.mark.postgres
@pytest.mark.parametrize("turn", ["shop", "shop.orders"])
def test_a_build_or_load_beside_the_upkeep_of_a_lake_meets_no_conflict(lake: House, turn: str):
    table = "shop.daily" if turn == "shop" else "staging_shop.orders"
    lake.run("CREATE SCHEMA shop", "CREATE SCHEMA staging_shop", "CREATE TABLE shop.other AS SELECT 1 AS id")
    lake.run(f"CREATE TABLE {table} (id BIGINT)")
    for number in range(3):
        lake.run(f"INSERT INTO {table} FROM range({number * 100}, {number * 100 + 100})")
    lake.settings = lake.settings.model_copy(update={"lock_timeout": timedelta(milliseconds=300)})

    with open_warehouse(lake.settings, purpose="test", turn=turn) as writer:
        writer.begin()
        writer.execute(f"DELETE FROM {table} WHERE id < 50")
        beside = do_chore("warehouse", lake.settings).told
        writer.execute(f"INSERT INTO {table} FROM range(50)")
        writer.commit()
    afterwards = do_chore("warehouse", lake.settings).told

    assert f"left as they are, for others were at work on them: {turn}" in beside
    assert any("files put together" in line for line in afterwards)
    assert [(300, 300)] == lake.rows(f"SELECT count(*), count(DISTINCT id) FROM {table}")


@pytest.mark.postgres
def test_a_table_that_is_dropped_while_the_upkeep_waits_for_its_turn_is_passed_over(lake: House):
    lake.run("CREATE SCHEMA shop", "CREATE TABLE shop.daily (id BIGINT)", "CREATE TABLE shop.kept (id BIGINT)")

    @contextmanager
    def turn_in_which_a_build_came_before(_: str) -> Iterator[None]:
        lake.run("DROP TABLE IF EXISTS shop.daily")
        yield

    with open_warehouse(lake.settings, purpose="test") as connection:
        tidy_lake(connection, keep=timedelta(days=1), dry_run=False, turn_of=turn_in_which_a_build_came_before)

    assert [("kept",)] == lake.rows("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'shop'")


def test_every_chore_of_the_dag_is_one(settings: Settings):
    assert list(CHORES) == list(maintenance_dag(settings).task_ids)
    for chore in CHORES:
        assert () == do_chore(chore, settings, dry_run=True).told
