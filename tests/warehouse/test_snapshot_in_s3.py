"""Snapshots in S3: the same promises as on a disk."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow.errors import PublishedMeanwhile, TransientError
from dataflow.maintenance.published import expire
from dataflow.s3.place import S3Place
from dataflow.warehouse.snapshot import Snapshot, current_snapshot, publish
from dataflow.warehouse.versions import versions_at
from kit.store import Bucket, Proxy, bucket, connect, disconnect, proxy
from kit.warehouse import House


@pytest.fixture
def store() -> Iterator[Bucket]:
    """An empty bucket."""
    with bucket() as made:
        yield made


@pytest.fixture
def shop(either: House, store: Bucket) -> House:
    """A warehouse, on a file or a lake, whose snapshots lie in the bucket."""
    return at(either, store.place("published"))


@pytest.fixture
def unruly(store: Bucket) -> Iterator[tuple[Proxy, S3Place]]:
    """The same place by a way that misbehaves."""
    with proxy(store.port) as before:
        connection = connect(before.port, tries=2)
        yield before, S3Place(connection, store.name, "published")
        disconnect(connection)


def at(house: House, place: S3Place, **more: Any) -> House:
    house.settings = house.settings.model_copy(update={"published": place, **more})
    return house


def published(house: House, day: int) -> Snapshot:
    house.run(
        "CREATE SCHEMA IF NOT EXISTS shop",
        f"CREATE OR REPLACE TABLE shop.daily AS SELECT {day} AS day FROM range({day})",
        f"CREATE OR REPLACE TABLE shop.total AS SELECT {day} AS days",
    )
    return publish(house.settings, "shop", tables=["daily", "total"], run_id=f"r{day}")


def seen(house: House, into: Path) -> dict[str, list[tuple[Any, ...]]]:
    snapshot = current_snapshot(house.settings, "shop")
    assert snapshot is not None
    return {
        table: duckdb.sql(f"from '{snapshot.fetch(table, into=into / snapshot.version)}'").fetchall()
        for table in snapshot.tables
    }


def test_readers_find_what_was_published_last(shop: House, store: Bucket, tmp_path: Path):
    assert current_snapshot(shop.settings, "shop") is None
    for day in (1, 2):
        snapshot = published(shop, day)
        assert snapshot == current_snapshot(shop.settings, "shop")
        assert {"daily": [(day,)] * day, "total": [(day,)]} == seen(shop, tmp_path)

    below = f"published/shop/{snapshot.version}"
    names = {f"{below}/{name}" for name in ("daily.parquet", "shop.duckdb", "total.parquet")}
    assert names | {"published/shop/current.json"} < set(store.names())
    assert [] == list(shop.settings.scratch.iterdir())


def test_the_duckdb_file_holds_the_same_tables(shop: House, store: Bucket, tmp_path: Path):
    snapshot = published(shop, 3)

    file = tmp_path / "shop.duckdb"
    file.write_bytes(store.read(f"published/shop/{snapshot.version}/shop.duckdb"))

    with duckdb.connect(file, read_only=True) as connection:
        assert [(3,)] * 3 == connection.execute("from daily").fetchall()


def test_a_publish_that_fails_leaves_no_trace(shop: House, store: Bucket):
    shop.run("CREATE SCHEMA shop", "CREATE VIEW shop.broken AS SELECT CAST(v AS INTEGER) AS v FROM (SELECT 'x' AS v)")

    with pytest.raises(duckdb.ConversionException):
        publish(shop.settings, "shop", tables=["broken"], run_id="r1")

    assert [] == store.names()
    assert [] == list(shop.settings.scratch.iterdir())


def test_a_store_that_goes_away_leaves_readers_with_what_they_had(
    house: House, unruly: tuple[Proxy, S3Place], tmp_path: Path
):
    before, place = unruly
    at(house, place)
    published(house, 1)

    before.fail("503", times=100, method="PUT", of="total.parquet")
    with pytest.raises(TransientError, match="SlowDown"):
        published(house, 2)

    before.misbehaves = lambda method, path: None
    assert [(1,)] == seen(house, tmp_path)["total"]
    published(house, 2)
    assert [(2,)] == seen(house, tmp_path)["total"]


def test_an_answer_that_is_lost_is_no_other_writer(house: House, unruly: tuple[Proxy, S3Place], tmp_path: Path):
    before, place = unruly
    at(house, place)
    before.fail("lose the answer", times=1, method="PUT", of="current.json")

    published(house, 1)

    assert [(1,)] == seen(house, tmp_path)["total"]


def test_a_store_that_knows_no_conditions_is_published_to_all_the_same(
    house: House, unruly: tuple[Proxy, S3Place], tmp_path: Path
):
    before, place = unruly
    at(house, place)
    published(house, 1)

    before.fail("501", times=100, method="PUT", of="current.json")
    published(house, 2)

    assert [(2,)] == seen(house, tmp_path)["total"]


def test_who_was_overtaken_changes_nothing_and_comes_again(
    house: House, store: Bucket, unruly: tuple[Proxy, S3Place], tmp_path: Path
):
    """As after a server of turns forgot that we had ours."""
    before, place = unruly
    at(house, place)
    published(house, 1)

    def overtake(method: str, path: str) -> str | None:
        if method == "PUT" and path.endswith("total.parquet"):
            current = json.loads(store.read("published/shop/current.json"))
            store.put("published/shop/current.json", json.dumps({**current, "run_id": "r9", "version": "r9's"}))
        return None

    before.misbehaves = overtake
    with pytest.raises(PublishedMeanwhile, match="another run published while r2 did; another try publishes after it"):
        published(house, 2)

    before.misbehaves = lambda method, path: None
    current = current_snapshot(house.settings, "shop")
    assert current is not None
    assert "r9" == current.run_id
    assert 1 == len({name.split("/")[2] for name in store.names()} - {"current.json"}), "what nobody will read is gone"
    published(house, 3)
    assert [(3,)] == seen(house, tmp_path)["total"]


def test_a_file_that_is_not_the_one_published_is_not_read(house: House, store: Bucket, tmp_path: Path):
    snapshot = published(at(house, store.place("published")), 2)
    key = f"published/shop/{snapshot.version}/daily.parquet"
    content = bytearray(store.read(key))
    content[20] ^= 1
    store.put(key, bytes(content))

    with pytest.raises(TransientError, match=r"daily\.parquet: came with \d+ bytes that are not those"):
        snapshot.fetch("daily", into=tmp_path)


def test_a_version_that_is_gone_is_told(house: House, store: Bucket, tmp_path: Path):
    snapshot = published(at(house, store.place("published")), 1)
    versions_at(snapshot.place).drop(snapshot.version)

    with pytest.raises(FileNotFoundError, match=r"daily\.parquet"):
        snapshot.fetch("daily", into=tmp_path)


def test_what_others_wrote_in_its_place_is_told(house: House, store: Bucket):
    store.put("published/shop/current.json", "<html>")

    with pytest.raises(Exception, match=r"current\.json is not what a publish wrote; move it away"):
        current_snapshot(at(house, store.place("published")).settings, "shop")


def test_readers_beside_writers_always_see_whole_versions(house: House, store: Bucket, tmp_path: Path):
    at(house, store.place("published"))
    published(house, 1)
    done = threading.Event()

    def write() -> None:
        for day in range(2, 6):
            published(house, day)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    days = []
    while not done.is_set():
        tables = seen(house, tmp_path)
        days.append(tables["total"][0][0])
        assert [(days[-1],)] * days[-1] == tables["daily"]
    writer.join()

    assert days == sorted(days)


def test_the_upkeep_deletes_what_readers_left_and_nothing_else(house: House, store: Bucket, tmp_path: Path):
    place = store.place("published")
    at(house, place)
    store.put("published/notes/mine.txt", "mine")
    for day in (1, 2, 3):
        published(house, day)
    current = current_snapshot(house.settings, "shop")
    a_day_later = at(house, place, keep_snapshots=-timedelta(days=1)).settings

    told = expire(a_day_later, dry_run=True)
    assert 3 == len({name.split("/")[2] for name in store.names() if "/shop/" in name} - {"current.json"})
    assert ["2 versions of shop"] == told == expire(a_day_later, dry_run=False)

    assert current == current_snapshot(house.settings, "shop")
    assert [(3,)] == seen(house, tmp_path)["total"]
    assert "published/notes/mine.txt" in store.names()
    assert [] == expire(a_day_later, dry_run=False)


def test_a_version_that_readers_have_just_left_stays(house: House, store: Bucket):
    at(house, store.place("published"))
    for day in (1, 2, 3):
        published(house, day)

    assert [] == expire(house.settings, dry_run=False)
    assert 3 == len({name.split("/")[2] for name in store.names()} - {"current.json"})
