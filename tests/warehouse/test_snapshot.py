"""Snapshots: what readers see, and when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from dataflow.duckdb_memory import Memory
from dataflow.errors import FatalError, InputError, RunSuperseded, TrySuperseded
from dataflow.warehouse.builds import newest, stamp
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.extract import extract
from dataflow.warehouse.snapshot import Snapshot, current_snapshot, publish, snapshot_of_table
from dataflow.warehouse.versions import versions_at
from kit.warehouse import House


def build(house: House, run_id: str) -> None:
    with open_warehouse(house.settings, purpose="stamp") as connection:
        stamp(connection, "shop", run_id)


def make_models(house: House, day: int = 1) -> None:
    house.run(
        "CREATE SCHEMA IF NOT EXISTS shop",
        f"CREATE OR REPLACE TABLE shop.daily_sales AS SELECT {day} AS day, sum(i) AS total FROM range(10) t(i)",
        "CREATE OR REPLACE VIEW shop.latest AS SELECT max(day) AS day FROM shop.daily_sales",
    )


def read(snapshot: Snapshot, table: str) -> tuple[list[object], list[object]]:
    """Give a table's rows from both of its files."""
    with duckdb.connect(snapshot.database, read_only=True) as connection:
        return (
            connection.execute(f"SELECT * FROM {table}").fetchall(),
            connection.execute(f"SELECT * FROM '{snapshot.parquet(table)}'").fetchall(),
        )


def test_models_and_views_are_published_as_parquet_and_in_one_duckdb_file(either: House):
    make_models(either)

    snapshot = publish(either.settings, "shop", tables=["daily_sales", "latest"], run_id="r1")

    assert {"daily_sales": 1, "latest": 1} == snapshot.tables
    assert ([(1, 45)], [(1, 45)]) == read(snapshot, "daily_sales")
    assert ([(1,)], [(1,)]) == read(snapshot, "latest")
    assert {"day": "INTEGER", "total": "DECIMAL(38,0)"} == snapshot.columns["daily_sales"]
    assert {"daily_sales.parquet", "latest.parquet", "shop.duckdb"} == {file.name for file in snapshot.folder.iterdir()}
    assert {0o444} == {file.stat().st_mode & 0o777 for file in snapshot.folder.iterdir()}


def test_readers_see_nothing_of_a_try_that_was_superseded_while_it_copied(either: House):
    make_models(either)
    seen = publish(either.settings, "shop", tables=["latest"], run_id="r1")

    def superseded() -> None:
        raise TrySuperseded("r1", "publish", 1, 2)

    with pytest.raises(TrySuperseded):
        publish(either.settings, "shop", tables=["daily_sales"], run_id="r1", before_shown=superseded)

    assert seen == current_snapshot(either.settings, "shop")
    versions = [found.name for found in (either.settings.published / "shop").iterdir() if found.is_dir()]
    assert [seen.version] == versions


def test_a_model_comes_before_a_loaded_table_of_its_name_and_our_columns_stay_behind(either: House):
    either.load("SELECT 1 AS id, now() AS _dataflow_cursor")
    first = publish(either.settings, "shop", tables=["orders"], run_id="r1")
    either.run("CREATE SCHEMA shop", "CREATE TABLE shop.orders AS SELECT 2 AS id")
    second = publish(either.settings, "shop", tables=["orders"], run_id="r2")

    assert ([(1,)], [(1,)]) == read(first, "orders")
    assert ([(2,)], [(2,)]) == read(second, "orders")


def test_readers_find_the_current_version(house: House):
    nothing = current_snapshot(house.settings, "shop")
    make_models(house)
    published = publish(house.settings, "shop", tables=["daily_sales"], run_id="r1")

    assert nothing is None
    assert published == current_snapshot(house.settings, "shop")
    assert published == snapshot_of_table(house.settings, "shop", "daily_sales")
    described = json.loads((house.settings.published / "shop" / "current.json").read_text())
    assert ("r1", published.version) == (described["run_id"], described["version"])


def test_what_is_not_published_is_told_with_what_is(house: House):
    with pytest.raises(InputError, match="shop has not published anything yet"):
        snapshot_of_table(house.settings, "shop", "daily_sales")
    make_models(house)
    publish(house.settings, "shop", tables=["daily_sales", "latest"], run_id="r1")
    with pytest.raises(InputError, match="does not publish 'orders'; it publishes daily_sales, latest"):
        snapshot_of_table(house.settings, "shop", "orders")


def test_an_absent_table_is_named_with_what_there_is_and_nothing_changes(house: House):
    make_models(house)
    house.load("SELECT 1 AS id")
    before = publish(house.settings, "shop", tables=["daily_sales"], run_id="r1")

    with pytest.raises(
        FatalError,
        match=r"under the name of dayly; schema shop has daily_sales, latest; schema staging_shop has orders",
    ):
        publish(house.settings, "shop", tables=["daily_sales", "dayly"], run_id="r2")
    assert before == current_snapshot(house.settings, "shop")


def test_only_the_run_that_built_last_publishes(either: House):
    make_models(either)
    with pytest.raises(FatalError, match="never built"):
        publish(either.settings, "shop", tables=["daily_sales"], run_id="r1", stamped=True)
    build(either, "r1")
    before = publish(either.settings, "shop", tables=["daily_sales"], run_id="r1", stamped=True)
    build(either, "r2")
    make_models(either, day=2)

    with pytest.raises(RunSuperseded, match="run r1 is superseded by run r2"):
        publish(either.settings, "shop", tables=["daily_sales"], run_id="r1", stamped=True)
    assert before == current_snapshot(either.settings, "shop")
    assert ([(1, 45)], [(1, 45)]) == read(before, "daily_sales")


def test_a_run_that_builds_again_is_the_newest_again(either: House):
    for run in ("r1", "r2", "r1"):
        build(either, run)
    with open_warehouse(either.settings, purpose="test") as connection:
        found = newest(connection, "shop")
        other = newest(connection, "weather")

    assert found is not None
    assert "r1" == found[0]
    assert found[1].tzinfo is not None
    assert other is None


@pytest.mark.slow
def test_rows_too_wide_for_the_memory_of_a_task_are_published_in_their_order(house: House):
    """What a group of them takes is twice the memory."""
    house.settings = house.settings.model_copy(update={"memory": Memory(Memory.LEAST)})
    wide = ", ".join(f"repeat(md5(CAST(i * {number} AS VARCHAR)), 8) AS c{number}" for number in range(1, 9))
    house.run("CREATE SCHEMA shop", f"CREATE TABLE shop.wide AS SELECT i, {wide} FROM range(130_000) t(i)")

    snapshot = publish(house.settings, "shop", tables=["wide"], run_id="r1")

    in_order = "SELECT count(*), bool_and(i = place) FROM (SELECT i, row_number() OVER () - 1 AS place FROM {})"
    with duckdb.connect(snapshot.database, read_only=True) as connection:
        for each in ("wide", f"'{snapshot.parquet('wide')}'"):
            assert (130_000, True) == connection.execute(in_order.format(each)).fetchone()


def test_a_publish_that_fails_leaves_no_trace(either: House):
    either.run(
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.raw AS SELECT 'x' AS v",
        "CREATE VIEW shop.broken AS SELECT CAST(v AS INTEGER) AS v FROM shop.raw",
    )

    with pytest.raises(duckdb.ConversionException):
        publish(either.settings, "shop", tables=["raw", "broken"], run_id="r1")
    assert [] == list((either.settings.published / "shop").iterdir())
    assert [("x",)] == either.rows("SELECT v FROM shop.raw")


def test_old_versions_are_swept_a_day_after_they_were_superseded(house: House):
    make_models(house)
    versions = [publish(house.settings, "shop", tables=["latest"], run_id=f"r{number}") for number in range(4)]
    place = house.settings.published / "shop"
    killed = place / ".unfinished-killed"
    killed.mkdir()
    old = time.time() - timedelta(hours=25).total_seconds()
    for folder in (killed, versions[0].folder, versions[2].folder, versions[3].folder):
        os.utime(folder, (old, old))

    last = publish(house.settings, "shop", tables=["latest"], run_id="r4")

    expected = {versions[1].version, versions[3].version, last.version, "current.json", ".lock"}

    # The fourth was current until now: its day begins now, however long ago it was written.
    assert expected == {found.name for found in place.iterdir()}


def test_the_current_version_is_never_swept(house: House):
    make_models(house)
    first = publish(house.settings, "shop", tables=["latest"], run_id="r1")
    second = publish(house.settings, "shop", tables=["latest"], run_id="r2")
    place = house.settings.published / "shop"

    swept = versions_at(place).sweep(keep=None, older_than=timedelta(seconds=-60))

    assert [first.version] == swept
    assert second == current_snapshot(house.settings, "shop")
    assert versions_at(house.settings.published / "weather").current() is None


def test_extracts_are_copies_of_what_is_loaded(house: House, tmp_path: Path):
    house.run("CREATE SCHEMA staging_shop")
    house.run(
        "CREATE TABLE staging_shop.orders AS "
        "SELECT 1 AS id, 170141183460469231731::HUGEINT AS big, [170141183460469231731::HUGEINT] AS many, "
        "'r1' AS _dataflow_run"
    )

    copies = extract(house.settings, "shop", tables=["orders", "customers"], into=tmp_path / "scratch")

    assert ["orders"] == list(copies)
    found = duckdb.execute(f"SELECT id, big, many, _dataflow_run FROM '{copies['orders']}'").fetchall()
    assert [(1, 170141183460469231731, [170141183460469231731], "r1")] == found


def test_an_extract_of_nothing_opens_nothing(house: House, tmp_path: Path):
    copies = extract(house.settings, "shop", tables=[], into=tmp_path / "scratch")

    assert {} == copies
    assert not house.settings.warehouse.exists()


READER = """
import json, sys
from pathlib import Path
import duckdb
place, stop = Path(sys.argv[1]), Path(sys.argv[2])
reads, versions = 0, set()
while not stop.exists():
    if not (place / "current.json").exists():
        continue
    current = json.loads((place / "current.json").read_text())
    folder = place / current["version"]
    query = "SELECT count(*), min(v), max(v) FROM "
    from_parquet = duckdb.execute(query + f"'{folder / 'facts.parquet'}'").fetchall()
    with duckdb.connect(folder / "shop.duckdb", read_only=True) as connection:
        from_database = connection.execute(query + "facts").fetchall()
    [(count, low, high)] = from_parquet
    assert from_parquet == from_database, (from_parquet, from_database)
    assert count == current["tables"]["facts"]["rows"] == 20000 and low == high, (count, low, high, current)
    reads += 1
    versions.add(low)
print(reads, len(versions))
"""


@pytest.mark.slow
def test_a_reader_never_sees_an_error_or_half_a_table(house: House, tmp_path: Path):
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READER, str(house.settings.published / "shop"), str(stop)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        try:
            for number in range(30):
                house.run(
                    "CREATE SCHEMA IF NOT EXISTS shop",
                    f"CREATE OR REPLACE TABLE shop.facts AS SELECT {number} AS v FROM range(20000)",
                )
                publish(house.settings, "shop", tables=["facts"], run_id=f"r{number}")
        finally:
            stop.touch()
        said, errors = reader.communicate(timeout=60)

    assert "" == errors
    reads, versions = map(int, said.split())
    assert reads >= 30
    assert versions >= 5
