from __future__ import annotations

import errno
import fcntl
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from dataflow.errors import LandingError, TrySuperseded
from dataflow.interval import Interval
from dataflow.landing.current import current_manifest, set_current
from dataflow.landing.manifest import verify
from kit.landing import DAY, land

NEXT_DAY = Interval(DAY.end, DAY.end + timedelta(days=1))


def test_a_window_that_was_never_landed_has_no_batch(tmp_path: Path):
    assert current_manifest(tmp_path, "shop", "orders", DAY) is None


def test_the_last_committed_batch_is_the_one_that_everyone_sees(tmp_path: Path):
    land(tmp_path, run_id="first")
    land(tmp_path, run_id="second")
    last = land(tmp_path, run_id="first")

    assert last == current_manifest(tmp_path, "shop", "orders", DAY)


def test_windows_have_batches_of_their_own(tmp_path: Path):
    today = land(tmp_path)
    tomorrow = land(tmp_path, window=NEXT_DAY)

    assert today == current_manifest(tmp_path, "shop", "orders", DAY)
    assert tomorrow == current_manifest(tmp_path, "shop", "orders", NEXT_DAY)


def test_a_landing_can_be_moved(tmp_path: Path):
    land(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")

    moved = current_manifest(tmp_path / "there", "shop", "orders", DAY)

    assert moved is not None
    verify(moved)


def test_a_damaged_pointer_is_told(tmp_path: Path):
    manifest = land(tmp_path)
    (Path(manifest.folder).parents[1] / "current.json").write_text("{")

    with pytest.raises(LandingError, match=r"current\.json is damaged"):
        current_manifest(tmp_path, "shop", "orders", DAY)


def test_a_reader_beside_writers_always_sees_a_whole_batch(tmp_path: Path):
    batches = [land(tmp_path, run_id=f"run{number}") for number in range(2)]
    done = threading.Event()

    def swap() -> None:
        for number in range(200):
            set_current(tmp_path, batches[number % 2])
        done.set()

    thread = threading.Thread(target=swap)
    thread.start()
    seen = []
    while not done.is_set():
        seen.append(current_manifest(tmp_path, "shop", "orders", DAY))
    thread.join()

    assert seen
    assert all(manifest in batches for manifest in seen)


def test_a_batch_that_may_not_be_seen_is_not(tmp_path: Path):
    first, second = land(tmp_path, run_id="first"), land(tmp_path, run_id="second")

    set_current(tmp_path, first, may=lambda: False)

    assert second == current_manifest(tmp_path, "shop", "orders", DAY)


def test_whoever_shows_a_batch_waits_while_another_decides(tmp_path: Path):
    first, second = land(tmp_path, run_id="first"), land(tmp_path, run_id="second")
    later = threading.Thread(target=set_current, args=(tmp_path, second))

    def decide() -> bool:
        later.start()
        later.join(timeout=0.3)
        return later.is_alive()

    set_current(tmp_path, first, may=decide)
    later.join()

    assert second == current_manifest(tmp_path, "shop", "orders", DAY)


def test_where_folders_cannot_be_locked_it_is_told_that_somebody_else_came_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    batch = land(tmp_path)
    asked: list[int] = []

    def cannot(*_: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")  # as NFS says

    def may() -> bool:
        asked.append(1)
        if len(asked) == 2:
            raise TrySuperseded("run", "ingest.orders", 1, 2)
        return True

    monkeypatch.setattr(fcntl, "flock", cannot)

    with pytest.raises(TrySuperseded):
        set_current(tmp_path, batch, may=may)
