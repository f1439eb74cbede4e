"""Copies of snapshots: what readers elsewhere see, and when."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow.errors import FatalError, StepError, TransientError
from dataflow.landing import files
from dataflow.s3.place import S3Place
from dataflow.warehouse import copies
from dataflow.warehouse.copies import copy_snapshot
from dataflow.warehouse.snapshot import Snapshot, publish
from dataflow.warehouse.versions import VERSION
from kit.store import Bucket, bucket, connect, disconnect, proxy
from kit.warehouse import House

LOG = logging.getLogger("dataflow.test")


@pytest.fixture
def store() -> Iterator[Bucket]:
    """An empty bucket."""
    with bucket() as made:
        yield made


@pytest.fixture(params=["in S3", "in a folder"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where the copy goes."""
    if request.param == "in a folder":
        yield str(tmp_path / "marts" / "shop")
        return
    with bucket() as made:
        yield str(made.place("marts/shop"))


def published(house: House, run_id: str, day: int) -> Snapshot:
    house.run(
        "CREATE SCHEMA IF NOT EXISTS shop",
        f"CREATE OR REPLACE TABLE shop.daily AS SELECT {day} AS day FROM range({day})",
        f"CREATE OR REPLACE TABLE shop.total AS SELECT {day} AS days",
    )
    return publish(house.settings, "shop", tables=["daily", "total"], run_id=run_id)


def current(place: str) -> dict[str, Any]:
    return dict(json.loads(files.read(f"{place}/current.json") or b"{}"))


def seen(place: str, tmp_path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read the tables as somebody does who follows ``current.json``."""
    found = {}
    for name, table in current(place)["tables"].items():
        file, size, sha256 = files.fetch(f"{place}/{table['path']}", tmp_path / "read")
        assert (table["bytes"], table["sha256"]) == (size, sha256)
        rows = duckdb.sql(f"select * from '{file}'").fetchall()
        assert table["rows"] == len(rows)
        found[name] = rows
    return found


def test_readers_find_every_table_of_the_newest_publish(house: House, place: str, tmp_path: Path):
    for day in (1, 2):
        snapshot = published(house, f"r{day}", day)
        assert copy_snapshot(house.settings, snapshot, place, log=LOG)
        assert {"daily": [(day,)] * day, "total": [(day,)]} == seen(place, tmp_path)

    assert ("shop", "r2") == (current(place)["workflow"], current(place)["run_id"])
    assert {"day": "INTEGER"} == current(place)["tables"]["daily"]["columns"]


def test_copying_again_changes_nothing_that_readers_see(house: House, place: str, tmp_path: Path):
    snapshot = published(house, "r1", 1)
    copy_snapshot(house.settings, snapshot, place, log=LOG)
    before = seen(place, tmp_path)

    copy_snapshot(house.settings, snapshot, place, log=LOG)

    assert before == seen(place, tmp_path)


def test_an_older_publish_never_comes_after_a_newer_one(house: House, place: str, tmp_path: Path):
    older, newer = published(house, "r1", 1), published(house, "r2", 2)

    assert copy_snapshot(house.settings, newer, place, log=LOG)
    assert not copy_snapshot(house.settings, older, place, log=LOG)

    assert [(2,)] == seen(place, tmp_path)["total"]


def test_one_that_is_overtaken_while_it_points_readers_to_itself_gives_way(house: House, store: Bucket, tmp_path: Path):
    older = published(house, "r1", 1)
    place = store.place("marts/shop")
    with proxy(store.port) as before:
        slow = connect(before.port)

        def overtake(method: str, path: str) -> str | None:
            if method == "PUT" and path.endswith("current.json"):
                before.misbehaves = lambda method, path: None
                newer = published(house, "r2", 2)
                assert copy_snapshot(house.settings, newer, str(place), log=LOG)
            return None

        before.misbehaves = overtake
        assert not copy_snapshot(house.settings, older, f"s3://{slow}@{store.name}/marts/shop", log=LOG)
        disconnect(slow)

    assert [(2,)] == seen(str(place), tmp_path)["total"]


def test_an_answer_that_is_lost_is_no_other_writer(house: House, store: Bucket, tmp_path: Path):
    with proxy(store.port) as before:
        connection = connect(before.port)
        before.fail("lose the answer", times=1, method="PUT", of="current.json")
        assert copy_snapshot(
            house.settings, published(house, "r1", 1), f"s3://{connection}@{store.name}/marts", log=LOG
        )
        disconnect(connection)

    assert [(1,)] == seen(str(store.place("marts")), tmp_path)["total"]


def test_a_store_that_goes_away_leaves_readers_with_what_they_had(house: House, store: Bucket, tmp_path: Path):
    place = str(store.place("marts"))
    copy_snapshot(house.settings, published(house, "r1", 1), place, log=LOG)
    newer = published(house, "r2", 2)
    with proxy(store.port) as before:
        connection = connect(before.port, tries=2)
        before.fail("503", times=100, method="PUT", of="total.parquet")
        with pytest.raises(TransientError, match="SlowDown"):
            copy_snapshot(house.settings, newer, f"s3://{connection}@{store.name}/marts", log=LOG)
        disconnect(connection)

    assert {"daily": [(1,)], "total": [(1,)]} == seen(place, tmp_path)
    assert copy_snapshot(house.settings, newer, place, log=LOG)
    assert [(2,)] == seen(place, tmp_path)["total"]


def test_readers_beside_writers_always_see_whole_versions(house: House, place: str, tmp_path: Path):
    copy_snapshot(house.settings, published(house, "r0", 1), place, log=LOG)
    done = threading.Event()

    def write() -> None:
        for day in range(2, 6):
            copy_snapshot(house.settings, published(house, f"r{day}", day), place, log=LOG)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    versions = []
    while not done.is_set():
        tables = seen(place, tmp_path)
        versions.append(tables["total"][0][0])
        assert [(versions[-1],)] * versions[-1] == tables["daily"]
    writer.join()

    assert versions == sorted(versions)


def test_a_place_of_another_workflow_is_refused(house: House, place: str):
    files_of_another = json.dumps({"workflow": "shop_report", "version": "x", "tables": {}}).encode()
    if not place.startswith("s3://"):
        Path(place).mkdir(parents=True)
    files.replace(f"{place}/current.json", files_of_another)

    with pytest.raises(FatalError, match="holds what shop_report publishes; give each workflow a folder of its own"):
        copy_snapshot(house.settings, published(house, "r1", 1), place, log=LOG)


@pytest.mark.parametrize("to", ["marts/shop", "s3://a b@c/d"])
def test_what_is_no_place_is_told(house: House, to: str):
    with pytest.raises(FatalError, match=r"publish\.to: .*s3://connection@bucket/folder"):
        copy_snapshot(house.settings, published(house, "r1", 1), to, log=LOG)


def test_a_folder_that_cannot_be_written_may_come_back(house: House, tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StepError, match="see whether the disk is there"):
        copy_snapshot(house.settings, published(house, "r1", 1), str(tmp_path / "file" / "marts"), log=LOG)


def test_versions_that_are_over_go_after_a_day_and_files_of_others_never(
    house: House, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for day in (1, 2, 3):
        copy_snapshot(house.settings, published(house, f"r{day}", day), place, log=LOG)
    if place.startswith("s3://"):
        files.replace(f"{place}/mine/notes.txt", b"mine")
        monkeypatch.setattr(copies, "KEPT", -copies.KEPT)  # everything is a day old
    else:
        (Path(place) / "mine").mkdir()
        (Path(place) / "mine" / "notes.txt").write_text("mine")
        then = time.time() - 2 * 86_400
        for path in Path(place).iterdir():
            os.utime(path, (then, then))

    copy_snapshot(house.settings, published(house, "r4", 4), place, log=LOG)

    left = {folder.name.removeprefix(f"{place}/") for folder in files.walk(place)}
    versions = sorted(left - {"mine"})
    assert "mine" in left
    assert 2 == len(versions)
    assert current(place)["version"] in versions
    assert [(4,)] == seen(place, tmp_path)["total"]


def test_a_version_that_readers_have_just_left_stays_however_long_it_was_current(
    house: House, place: str, monkeypatch: pytest.MonkeyPatch
):
    def versions() -> list[str]:
        return sorted(name for each in files.walk(place) if VERSION.fullmatch(name := each.name.rpartition("/")[2]))

    monkeypatch.setattr(copies, "KEPT", timedelta(seconds=3))
    copy_snapshot(house.settings, published(house, "r1", 1), place, log=LOG)
    time.sleep(3)
    copy_snapshot(house.settings, published(house, "r2", 2), place, log=LOG)
    copy_snapshot(house.settings, published(house, "r3", 3), place, log=LOG)

    assert 3 == len(versions())

    time.sleep(3)
    copy_snapshot(house.settings, published(house, "r4", 4), place, log=LOG)

    assert 2 == len(versions())


def test_the_place_may_be_a_whole_bucket(house: House, store: Bucket, tmp_path: Path):
    copy_snapshot(house.settings, published(house, "r1", 1), str(S3Place(store.connection, store.name)), log=LOG)

    assert [(1,)] == seen(str(store.place()), tmp_path)["total"]
