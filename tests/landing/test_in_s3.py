"""The landing in S3 keeps what it promises on a disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from dataflow.errors import LandingError, StepError, TransientError
from dataflow.landing.batch import write_batch
from dataflow.landing.current import current_manifest, set_current
from dataflow.landing.manifest import Manifest, local_files, read_manifest, verify
from dataflow.landing.orphans import sweep_landing
from dataflow.s3.place import S3Place
from kit.landing import DAY, land
from kit.store import Bucket, Proxy, connect, disconnect, proxy

NOW = -timedelta(hours=1)
"""Older than an hour from now: everything is."""

WRITER = """
import sys
from dataflow.s3.place import S3Place
from kit.landing import land
land(S3Place.parse(sys.argv[1]), "select range as id, md5(range::varchar) as text from range(200000)")
"""


@pytest.fixture
def landing(store: Bucket) -> S3Place:
    """An empty landing."""
    return store.place("landing")


def rows(manifest: Manifest, into: Path) -> list[tuple[object, ...]]:
    """Read a batch as a step does."""
    files = local_files(manifest, into)
    return duckdb.sql(f"select * from read_parquet({files}, hive_partitioning = false) order by all").fetchall()


def test_a_batch_holds_the_rows_of_its_query(landing: S3Place, tmp_path: Path):
    manifest = land(landing)

    assert [(0,), (1,), (2,)] == rows(manifest, tmp_path)
    assert manifest.uri.startswith(f"{landing}/shop/orders/20250101T000000Z_20250102T000000Z/")
    assert manifest == read_manifest(manifest.uri) == current_manifest(landing, "shop", "orders", DAY)
    verify(manifest)


def test_drafts_are_written_to_the_scratch_folder_and_gone_afterwards(landing: S3Place, tmp_path: Path):
    seen = []
    with (
        duckdb.connect() as connection,
        write_batch(
            landing, workflow="shop", table="orders", window=DAY, run_id="run", try_number=1, scratch=tmp_path
        ) as batch,
    ):
        batch.copy(connection, "select 1 as id")
        batch.copy(connection, "select 2 as id")
        seen = list(tmp_path.iterdir())
        manifest = batch.commit()

    assert 1 == len(seen)
    assert [] == list(tmp_path.iterdir())
    assert [(1,), (2,)] == rows(manifest, tmp_path / "copies")


@pytest.mark.parametrize("leave", ["without a commit", "by an error"])
def test_a_batch_that_is_left_before_its_commit_leaves_nothing(
    store: Bucket, landing: S3Place, tmp_path: Path, leave: str
):
    with (
        suppress(KeyboardInterrupt),
        duckdb.connect() as connection,
        write_batch(
            landing, workflow="shop", table="orders", window=DAY, run_id="run", try_number=1, scratch=tmp_path
        ) as batch,
    ):
        batch.copy(connection, "select 1 as id")
        assert 1 == len(store.names())
        if leave == "by an error":
            raise KeyboardInterrupt

    assert [] == store.names()


def flip(content: bytes) -> bytes:
    return content[:50] + bytes([content[50] ^ 1]) + content[51:]


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (flip, "has another sha256 than its manifest says"),
        (lambda content: content[:-1], "has .* bytes, its manifest says"),
        (lambda content: None, "cannot be read"),
    ],
    ids=["a flipped bit", "cut short", "deleted"],
)
@pytest.mark.parametrize("read", [verify, local_files])
def test_a_part_that_is_not_what_was_landed_is_found_before_it_is_read(
    store: Bucket,
    landing: S3Place,
    tmp_path: Path,
    harm: Callable[[bytes], bytes | None],
    told: str,
    read: Callable[..., object],
):
    manifest = land(landing)
    [key] = [key for key in store.names() if key.endswith(".parquet")]
    harmed = harm(store.read(key))
    if harmed is None:
        store.client.delete_object(Bucket=store.name, Key=key)
    else:
        store.put(key, harmed)

    with pytest.raises(LandingError, match=rf"s3://.*/part-0000\.parquet {told}.*; clear the ingest task"):
        read(manifest) if read is verify else read(manifest, tmp_path)


def test_parts_swapped_with_each_other_are_found(store: Bucket, landing: S3Place, tmp_path: Path):
    mine, other = land(landing, "select 1 as id", run_id="mine"), land(landing, "select 2 as id", run_id="other")
    keys = [f"{S3Place.parse(each.folder).key}/part-0000.parquet" for each in (mine, other)]
    contents = [store.read(key) for key in keys]
    store.put(keys[0], contents[1])
    store.put(keys[1], contents[0])

    for manifest in (mine, other):
        with pytest.raises(LandingError, match="has another sha256"):
            local_files(manifest, tmp_path)


def test_a_reader_beside_writers_always_sees_a_whole_batch(landing: S3Place):
    batches = [land(landing, run_id=f"run{number}") for number in range(2)]
    done = threading.Event()

    def swap() -> None:
        for number in range(30):
            set_current(landing, batches[number % 2])
        done.set()

    thread = threading.Thread(target=swap)
    thread.start()
    seen = []
    while not done.is_set():
        seen.append(current_manifest(landing, "shop", "orders", DAY))
    thread.join()

    assert seen
    assert all(manifest in batches for manifest in seen)


def test_two_writers_of_one_window_at_once_give_two_whole_batches(landing: S3Place, tmp_path: Path):
    manifests: dict[str, Manifest] = {}

    def write(run_id: str) -> None:
        manifests[run_id] = land(landing, f"select '{run_id}' as run from range(2000)", run_id=run_id)

    threads = [threading.Thread(target=write, args=(f"run{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert current_manifest(landing, "shop", "orders", DAY) in manifests.values()
    for run_id, manifest in manifests.items():
        assert {(run_id,)} == set(rows(manifest, tmp_path / run_id))


def test_what_a_killed_writer_left_is_swept_and_committed_batches_stay(store: Bucket, landing: S3Place):
    older, newer = land(landing, run_id="older"), land(landing)
    folder = S3Place.parse(newer.folder).key
    store.put(f"{folder.rpartition('/')[0]}/1-killed/part-0000.parquet", b"its manifest was never written")
    store.put(f"{folder}/part-0007.parquet", b"nobody names it")
    store.put("landing/README.md", b"not ours")
    store.put("landing-of-others/shop/orders/window/run/batch/part-0000.parquet", b"not ours")

    assert 0 == sweep_landing(landing)  # a writer may be at work there
    assert 2 == sweep_landing(landing, older_than=NOW)
    verify(older)
    verify(newer)
    assert newer == current_manifest(landing, "shop", "orders", DAY)
    assert {"landing/README.md", "landing-of-others/shop/orders/window/run/batch/part-0000.parquet"} < set(
        store.names()
    )


@pytest.fixture
def unreliable(store: Bucket) -> Iterator[tuple[Proxy, S3Place]]:
    """A proxy before the store, and the landing as seen through it."""
    with proxy(store.port) as before:
        connection = connect(before.port)
        yield before, S3Place(connection, store.name, "landing")
        disconnect(connection)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])  # each of them makes some request fail; 0 happens to make none
def test_a_store_that_fails_one_request_in_four_gives_the_same_rows(
    unreliable: tuple[Proxy, S3Place], tmp_path: Path, seed: int
):
    import random

    before, landing = unreliable
    chance = random.Random(seed)
    before.misbehaves = lambda method, path: chance.choice(Proxy.HOW) if chance.random() < 0.25 else None

    landed = [
        land(landing, f"select range + {number} as id from range(500)", run_id=f"run{number}") for number in (0, 1)
    ]

    assert [(number,) for number in range(1, 501)] == rows(landed[1], tmp_path)
    assert landed[1] == current_manifest(landing, "shop", "orders", DAY)
    assert any(how for _, _, how in before.seen)


def test_a_store_that_stays_away_is_something_that_may_pass_and_nothing_is_visible(store: Bucket):
    with proxy(store.port) as before:
        impatient = connect(before.port, tries=2)
        landing = S3Place(impatient, store.name, "landing")
        # The part goes up, then nothing more: not even what was written can be deleted.
        before.misbehaves = lambda method, path: None if path.endswith(".parquet") else "503"
        with pytest.raises(TransientError, match="SlowDown"):
            land(landing)
        before.misbehaves = lambda method, path: None

        assert current_manifest(landing, "shop", "orders", DAY) is None
        assert ["part-0000.parquet"] == [name.rpartition("/")[2] for name in store.names()]
        sweep_landing(landing, older_than=NOW)
        assert [] == store.names()
        disconnect(impatient)


@pytest.mark.slow
def test_a_writer_killed_while_it_uploads_leaves_nothing_visible_and_a_retry_is_clean(
    store: Bucket, unreliable: tuple[Proxy, S3Place], tmp_path: Path
):
    before, landing = unreliable
    uploads, never = threading.Event(), threading.Event()

    def hold(method: str, path: str) -> str | None:
        if method == "PUT" and path.endswith(".parquet"):
            uploads.set()
            never.wait(60)
            return "hang up"
        return None

    before.misbehaves = hold
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(landing)], env=environment)
    assert uploads.wait(60)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    never.set()
    before.misbehaves = lambda method, path: None

    assert current_manifest(landing, "shop", "orders", DAY) is None
    assert [] == [key for key in store.names() if key.endswith(".json")]
    manifest = land(landing)
    assert manifest == current_manifest(landing, "shop", "orders", DAY)
    verify(manifest)
    sweep_landing(landing, older_than=NOW)
    assert {"part-0000.parquet", "manifest.json", "current.json"} == {key.rpartition("/")[2] for key in store.names()}
    assert 3 == len(store.names())


def test_a_place_that_nobody_knows_fails_before_anything_is_read():
    with pytest.raises(StepError, match="there is no connection 'nobody'"):
        land(S3Place("nobody", "lake"))


def test_whoever_shows_a_batch_decides_again_when_another_was_shown_meanwhile(landing: S3Place):
    first, second = land(landing, run_id="first"), land(landing, run_id="second")
    third = land(landing, run_id="third")
    found = []

    def decide() -> bool:
        found.append(current_manifest(landing, "shop", "orders", DAY))
        if len(found) == 1:
            set_current(landing, second)
        return True

    set_current(landing, first, may=decide)

    assert [third, second] == found
    assert first == current_manifest(landing, "shop", "orders", DAY)


def test_a_store_that_knows_no_conditions_shows_the_batch_and_is_asked_again(store: Bucket):
    with proxy(store.port) as before:
        connection = connect(before.port)
        behind = S3Place(connection, store.name, "landing")
        batch = land(behind)
        land(behind, run_id="other")
        before.fail("501", times=100, method="PUT", of="current.json")
        asked: list[int] = []

        set_current(behind, batch, may=lambda: asked.append(1) is None)

        assert 2 == len(asked)
        assert batch == current_manifest(behind, "shop", "orders", DAY)
        disconnect(connection)
