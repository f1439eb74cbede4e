from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from dataflow.runtime.leftovers import sweep_once_a_day
from kit.landing import land, visible
from kit.project import Project

LOG = logging.getLogger("dataflow.tests")


def age(folder: Path) -> None:
    """Let everything be two days old."""
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (time.time() - 2 * 86_400,) * 2)


def left_behind(project: Project) -> list[Path]:
    """Leave what tasks leave behind that are killed, and give it."""
    settings = project.settings()
    batch = Path(land(settings.landing).folder).parent / "1-killed"
    tries = [settings.scratch / "ingest-shop-orders-xyz", settings.scratch / "shop" / "0123abcd" / "transform.orders-1"]
    for folder in (batch, *tries):
        folder.mkdir(parents=True)
    (batch / "part-0000.parquet.tmp").write_bytes(b"half")
    (tries[0] / "rows.parquet").write_bytes(b"some")
    return [batch, *tries]


def test_what_killed_tasks_left_behind_goes_after_a_day(project: Project):
    settings = project.settings()
    left = left_behind(project)
    sweep_once_a_day(settings, log=LOG)
    young = [folder.exists() for folder in left]
    age(settings.landing)
    age(settings.scratch)
    sweep_once_a_day(settings, log=LOG)

    assert [True, True, True] == young
    assert [False, False, False] == [folder.exists() for folder in left]
    assert ["current.json", "manifest.json", "part-0000.parquet"] == visible(settings.landing)


def test_a_scratch_folder_in_which_something_changes_stays(project: Project):
    settings = project.settings()
    *_, task = left_behind(project)
    age(settings.scratch)
    (task / "staged.parquet").write_bytes(b"some")
    sweep_once_a_day(settings, log=LOG)

    assert task.exists()


def test_it_is_done_once_a_day(project: Project):
    settings = project.settings()
    sweep_once_a_day(settings, log=LOG)
    left = left_behind(project)
    for folder in left:
        age(folder)
    sweep_once_a_day(settings, log=LOG)

    assert [True, True, True] == [folder.exists() for folder in left]
