"""Ten windows at once on a DuckLake whose store fails one request in ten: at the end, the rows of clean runs."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dataflow.ops.history import open_history
from dataflow.runtime.local.run import run_workflow
from dataflow.settings import Settings
from dataflow.warehouse.create import create_warehouse
from kit.databases import lake_settings
from kit.project import DAILY, Project
from kit.runs import days
from kit.store import Proxy, bucket, connect, disconnect, proxy
from kit.warehouse import loaded_rows

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

WINDOWS = range(10)
CONFIG: dict[str, Any] = {
    **DAILY,
    "description": "Made-up events, kept in each way.",
    "sources": {
        "events": {"type": "mock", "rows": 200, "columns": {"event_id": "BIGINT", "seen_at": "TIMESTAMPTZ"}},
        "states": {
            "type": "mock",
            "rows": 200,
            "columns": {"slot": "INTEGER", "amount": "BIGINT", "seen_at": "TIMESTAMPTZ"},
        },
    },
    "load": {"states": {"mode": "merge", "key": "slot", "newest_by": "seen_at"}},
}
RUNNER = """
import sys
from pathlib import Path
from dataflow.loading.load import load_workflow
from dataflow.runtime.local.run import run_workflow
from dataflow.settings import Settings
from kit.runs import days
root, number = Path(sys.argv[1]), int(sys.argv[2])
workflow, settings, day = load_workflow(root, "shop"), Settings.load(root), days(number, number + 1)
for _ in range(8):  # as Airflow's retries
    result = run_workflow(workflow, settings=settings, window=day)
    if result.status == "success":
        sys.exit(0)
    print(result.failed_step, result.error, flush=True)
sys.exit(1)
"""
TESTS = Path(__file__).parents[2]


@pytest.fixture
def before(project: Project) -> Iterator[Proxy]:
    """What stands before the store of landing and lake."""
    with bucket() as store, proxy(store.port) as misbehaving, lake_settings() as setting:
        connection = connect(misbehaving.port)
        place = f"s3://{connection}@{store.name}"
        project.write_file(
            ".env",
            f"DATAFLOW_LANDING={place}/landing\nDATAFLOW_WAREHOUSE={setting}\nDATAFLOW_WAREHOUSE_DATA={place}/lake\n",
        )
        yield misbehaving
        disconnect(connection)


def made(project: Project) -> Settings:
    project.write_workflow("shop", CONFIG)
    settings = project.settings()
    open_history(settings.ops).create()
    create_warehouse(settings, ["shop"])
    return settings


def clean_rows(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Give the rows of clean runs, one after the other, with everything on a disk."""
    project = Project(folder)
    settings = made(project)
    for number in WINDOWS:
        window = days(number, number + 1)
        assert "success" == run_workflow(project.workflow("shop"), settings=settings, window=window).status
    return loaded_rows(settings, "shop", "events", "states")


def test_windows_at_once_on_a_lake_whose_store_fails_give_the_rows_of_clean_runs(
    project: Project, tmp_path: Path, before: Proxy
) -> None:
    settings = made(project)
    chance = random.Random(7)
    before.misbehaves = lambda method, path: chance.choice(Proxy.HOW) if chance.random() < 0.1 else None
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}

    def run(number: int) -> tuple[int, str]:
        command = [sys.executable, "-c", RUNNER, str(project.root), str(number)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        return done.returncode, done.stdout + done.stderr[-2000:]

    with ThreadPoolExecutor(4) as pool:
        # Two runs of one window at once too.
        ended = list(pool.map(run, [0, 3, 3, 1, 2, 7, 7, *(set(WINDOWS) - {0, 1, 2, 3, 7})]))
    before.misbehaves = lambda method, path: None

    assert [] == [told for code, told in ended if code]
    failed_of = {
        part: sum(how is not None and f"/{part}/" in path for _, path, how in before.seen)
        for part in ("landing", "lake")
    }
    assert min(failed_of.values()) > 5, failed_of
    assert clean_rows(tmp_path / "clean") == loaded_rows(settings, "shop", "events", "states")
