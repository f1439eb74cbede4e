"""Whatever the store does to a run, at the end each table equals that of one clean run, row by row."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow.landing import files
from dataflow.landing.orphans import sweep_landing
from dataflow.ops.history import open_history
from dataflow.runtime.local.run import run_workflow
from dataflow.warehouse.create import create_warehouse
from kit.project import DAILY, Project
from kit.runs import days
from kit.store import Bucket, Proxy, bucket, connect, disconnect, proxy

pytestmark = pytest.mark.slow

EVENTS = {
    "type": "mock",
    "rows": 200,
    "columns": {"event_id": "BIGINT", "kind": "VARCHAR", "happened_at": "TIMESTAMPTZ"},
    "incremental": {"cursor": "happened_at"},
}
CONFIG: dict[str, Any] = {
    **DAILY,
    "description": "Made-up events.",
    "sources": {"events": EVENTS},
    "validate": {"events": [{"not_null": "event_id"}]},
    "load": {"events": {"mode": "append"}},
}
PROGRAM = "import sys\nfrom dataflow.cli.main import main\nsys.argv = ['dataflow', *sys.argv[1:]]\nmain()\n"


@pytest.fixture
def unreliable(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bucket, Proxy]]:
    """A landing behind a proxy."""
    with bucket() as store, proxy(store.port) as before:
        connection = connect(before.port)
        monkeypatch.setenv("DATAFLOW_LANDING", f"s3://{connection}@{store.name}/landing")
        yield store, before
        disconnect(connection)


def made(project: Project, **changes: Any) -> Any:
    project.write_workflow("shop", CONFIG | changes)
    settings = project.settings()
    open_history(settings.ops).create()
    create_warehouse(settings, ["shop"])
    return settings


def run(project: Project, number: int) -> str:
    """Run one day, again as long as that may help, as Airflow's retries do."""
    for _ in range(6):
        result = run_workflow(project.workflow("shop"), settings=project.settings(), window=days(number, number + 1))
        if result.status != "failed":
            return result.status
    raise AssertionError(result.error)


def run_in_a_process(project: Project, number: int) -> int:
    """Do the same in a process of its own, and give its exit code."""
    command = ["workflow", "run", "shop", "--live", "--window", f"2025-01-{number + 1:02}"]
    environment = {**os.environ, "DATAFLOW_PROJECT": str(project.root)}
    for _ in range(6):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *command], env=environment, capture_output=True, check=False
        )
        if done.returncode == 0:
            break
    return done.returncode


def rows(settings: Any) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        return warehouse.execute("select event_id, kind, happened_at from staging_shop.events order by all").fetchall()


def clean(folder: Path, numbers: range, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Give the rows of clean runs, one after the other, with the landing on a disk."""
    monkeypatch.delenv("DATAFLOW_LANDING")
    project = Project(folder)
    settings = made(project)
    for number in numbers:
        run(project, number)
    return rows(settings)


def test_days_at_once_on_a_store_that_fails_give_the_rows_of_clean_runs(
    project: Project, tmp_path: Path, unreliable: tuple[Bucket, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, before = unreliable
    settings = made(project)
    chance = random.Random(7)
    before.misbehaves = lambda method, path: chance.choice(Proxy.HOW) if chance.random() < 0.1 else None

    with ThreadPoolExecutor(4) as pool:
        # Ten windows, and two runs of some of them, in any order; each is a process, as under Airflow.
        codes = list(pool.map(lambda number: run_in_a_process(project, number), [*range(10), 3, 7]))
    before.misbehaves = lambda method, path: None

    assert {0} == set(codes)
    assert sum(how is not None for _, _, how in before.seen) > 10
    assert clean(tmp_path / "clean", range(10), monkeypatch) == rows(settings)
    assert 0 == sweep_landing(settings.landing)
    assert [] == [name for name in store.names() if name.endswith(files.DRAFT)]


def test_a_run_killed_while_it_uploads_and_run_again_gives_the_rows_of_a_clean_one(
    project: Project, tmp_path: Path, unreliable: tuple[Bucket, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, before = unreliable
    settings = made(project)
    uploads, gone = threading.Event(), threading.Event()

    def hold(method: str, path: str) -> str | None:
        if method == "PUT" and path.endswith(".parquet"):
            uploads.set()
            gone.wait(120)
            return "hang up"
        return None

    before.misbehaves = hold
    command = ["workflow", "run", "shop", "--live", "--window", "2025-01-01"]
    environment = {**os.environ, "DATAFLOW_PROJECT": str(project.root)}
    runs = subprocess.Popen([sys.executable, "-c", PROGRAM, *command], env=environment, stdout=subprocess.DEVNULL)
    assert uploads.wait(120)
    runs.kill()
    runs.wait()
    gone.set()
    before.misbehaves = lambda method, path: None

    assert [] == [name for name in store.names() if name.endswith(".json")]
    assert "success" == run(project, 0)
    assert clean(tmp_path / "clean", range(1), monkeypatch) == rows(settings)


@pytest.mark.parametrize("place", ["on a disk", "in S3"])
def test_a_disk_that_is_full_fails_in_clear_words_and_leaves_nothing_visible(
    project: Project, unreliable: tuple[Bucket, Proxy], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    store, _ = unreliable
    if place == "on a disk":
        monkeypatch.delenv("DATAFLOW_LANDING")
    columns = {f"text_{number}": "VARCHAR" for number in range(20)}
    settings = made(
        project,
        sources={"events": {"type": "mock", "rows": 100_000, "columns": {"event_id": "BIGINT", **columns}}},
        load={},
    )
    command = ["workflow", "run", "shop", "--live", "--window", "2025-01-01"]
    environment = {**os.environ, "DATAFLOW_PROJECT": str(project.root)}
    limit = 1 << 20  # history and warehouse stay below it, a part does not

    runs = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )

    assert 2 == runs.returncode, runs.stderr
    assert "shop failed at ingest.events: IO Error: Could not write file" in runs.stdout + runs.stderr
    assert "lie on a larger one (DATAFLOW_LANDING, DATAFLOW_SCRATCH" in runs.stdout + runs.stderr
    assert "File too large" in runs.stdout + runs.stderr
    visible = store.names() if place == "in S3" else [each for each in settings.landing.rglob("*") if each.is_file()]
    assert [] == visible
