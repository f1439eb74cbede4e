from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

from dataflow.landing.current import current_manifest
from dataflow.landing.manifest import verify
from dataflow.landing.orphans import sweep_landing
from kit.landing import DAY, land

HOUR = timedelta(hours=1)


def age(landing: Path) -> None:
    """Let everything be two days old."""
    then = time.time() - 2 * 86_400
    for path in [landing, *landing.rglob("*")]:
        os.utime(path, (then, then))


def killed(landing: Path, name: str = "1-killed") -> Path:
    folder = Path(land(landing).folder).parent / name
    folder.mkdir()
    (folder / "part-0000.parquet.tmp").write_bytes(b"half")
    return folder


def test_what_a_killed_writer_left_is_deleted(tmp_path: Path):
    folder = killed(tmp_path)
    (folder / "part-0000.parquet").write_bytes(b"whole, but its manifest was never written")
    age(tmp_path)

    assert 2 == sweep_landing(tmp_path)
    assert not folder.exists()


def test_committed_batches_stay_however_old(tmp_path: Path):
    older, newer = land(tmp_path, run_id="older"), land(tmp_path)
    age(tmp_path)

    assert 0 == sweep_landing(tmp_path)
    verify(older)
    verify(newer)
    assert newer == current_manifest(tmp_path, "shop", "orders", DAY)


def test_a_writer_at_work_is_left_alone(tmp_path: Path):
    folder = killed(tmp_path)
    age(tmp_path)
    (folder / "part-0001.parquet.tmp").write_bytes(b"growing")

    assert 0 == sweep_landing(tmp_path)
    assert 2 == sweep_landing(tmp_path, older_than=-HOUR)


def test_drafts_beside_a_manifest_and_beside_the_pointer_are_deleted(tmp_path: Path):
    manifest = land(tmp_path)
    (Path(manifest.folder) / "part-0001.parquet.tmp").write_bytes(b"half")
    (Path(manifest.folder).parents[1] / "current.json.0a1b.tmp").write_bytes(b"half")
    age(tmp_path)

    assert 2 == sweep_landing(tmp_path)
    verify(manifest)


def test_files_of_others_stay(tmp_path: Path):
    land(tmp_path)
    (tmp_path / "README.md").write_text("mine")
    age(tmp_path)

    assert 0 == sweep_landing(tmp_path)


def test_a_landing_that_is_not_there_has_nothing_to_sweep(tmp_path: Path):
    assert 0 == sweep_landing(tmp_path / "none")
