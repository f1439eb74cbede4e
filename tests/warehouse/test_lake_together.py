"""Many at once on one DuckLake: whole runs of workflows, loads of one table, builds, a server that goes away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dataflow.errors import TransientError
from dataflow.warehouse.builds import newest, stamp
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.snapshot import current_snapshot
from kit.cut import CutProxy
from kit.loaders import EXPECTED, loaded, processes_at_once
from kit.project import DAILY, Project
from kit.warehouse import House, day, loaded_rows

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

TESTS = Path(__file__).parents[1]
WORKFLOWS, RUNS = 8, 13

SEVERAL_TABLES = {
    **DAILY,
    "description": "Made-up events, kept in each way.",
    "sources": {
        "events": {"type": "mock", "rows": 40, "columns": {"event_id": "BIGINT", "at": "TIMESTAMPTZ"}},
        "states": {"type": "mock", "rows": 40, "columns": {"event_id": "BIGINT", "at": "TIMESTAMPTZ"}},
    },
    "load": {"states": {"mode": "merge", "key": "event_id", "newest_by": "at"}},
}

RUNNER = """
import sys
from datetime import UTC, datetime, timedelta
from dataflow import run_workflow
from dataflow.interval import Interval
failed = []
for number in range(int(sys.argv[2])):
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)
    result = run_workflow(sys.argv[1], window=Interval(start, start + timedelta(days=1)))
    if result.status != "success":
        failed.append(f"{number}: {result.failed_step}: {result.error}")
print("\\n".join(failed))
sys.exit(len(failed))
"""


def test_eight_workflows_at_once_lose_no_run_and_no_row(project: Project, lake: House):
    """104 runs of eight processes, each with two loads and a publish."""
    names = [f"team_{number}" for number in range(WORKFLOWS)]
    for name in names:
        project.write_workflow(name, SEVERAL_TABLES)
    project.write_file(".env", (lake.root / ".env").read_text() + f"DATAFLOW_WAREHOUSE_DATA={lake.root / 'data'}\n")
    settings = project.settings()
    create_warehouse(settings, names)

    environment = {**os.environ, "DATAFLOW_PROJECT": str(project.root)}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", RUNNER, name, str(RUNS)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in names
    ]
    said = [run.communicate(timeout=300)[0] for run in runs]

    assert [0] * WORKFLOWS == [run.returncode for run in runs], "\n".join(said)
    clean = clean_rows(Project(project.root / "clean"), names[0])
    for name in names:
        assert clean == loaded_rows(settings, name, "events", "states"), name
        snapshot = current_snapshot(settings, name)
        assert snapshot is not None
        assert {"events": 40 * RUNS, "states": 40 * RUNS} == snapshot.tables


def clean_rows(project: Project, name: str) -> dict[str, list[tuple[object, ...]]]:
    """Give what the same runs load when nobody else is there, into a file."""
    project.write_workflow(name, SEVERAL_TABLES)
    create_warehouse(project.settings(), [name])
    environment = {**os.environ, "DATAFLOW_PROJECT": str(project.root)}
    subprocess.run([sys.executable, "-c", RUNNER, name, str(RUNS)], env=environment, check=True, timeout=300)
    return loaded_rows(project.settings(), name, "events", "states")


@pytest.mark.parametrize("mode", ["replace", "append", "merge"])
def test_processes_that_load_one_table_at_once_lose_and_double_nothing(lake: House, mode: str):
    assert [0] * 4 == processes_at_once(lake, mode, loaders=4)
    assert EXPECTED[mode] == loaded(lake, mode)


def test_stamps_of_many_workflows_at_once_do_not_contradict(lake: House):
    with open_warehouse(lake.settings, purpose="a") as one, open_warehouse(lake.settings, purpose="b") as other:
        for number in range(3):
            stamp(one, "shop", f"r{number}")
            stamp(other, "weather", f"w{number}")
        found = newest(other, "shop"), newest(one, "weather")

    assert ["r2", "w2"] == [each[0] for each in found if each is not None]


@pytest.mark.parametrize("mode", ["replace", "append", "merge"])
def test_after_the_server_was_lost_in_a_load_another_try_gives_the_right_table(lake: House, mode: str):
    """Cut at each stage of the conversation: whatever was on its way, nothing is half there, nothing is doubled."""
    given = {"mode": mode, "key": ("id",), "newest_by": "since", "windowed": mode != "replace"}
    lake.load("SELECT 1 AS id, 0 AS since, 'old' AS v", **given)
    expected = [] if mode == "replace" else [(1, 0, "old")]
    lost = 0
    with CutProxy(lake.settings.warehouse) as proxy:
        through = House(lake.root)
        through.settings = lake.settings.model_copy(update={"warehouse": proxy.lake})
        for number, allowed in enumerate((2_000, 9_000, 14_000, 17_000, 20_000, 24_000, 30_000), start=1):
            through.staged = number * 100
            batch = f"SELECT i + {number} * 1000 AS id, 1 AS since, 'new' AS v FROM range(100) t(i)"
            where = {"window": day(number), "run_id": f"r{number}", **given}
            proxy.cut_after(allowed)
            try:
                through.load(batch, **where)
            except TransientError:
                lost += 1
            proxy.cut_after(None)
            through.load(batch, **where)
            new = [(i + number * 1000, 1, "new") for i in range(100)]
            expected = new if mode == "replace" else expected + new
            assert expected == lake.rows("SELECT id, since, v FROM staging_shop.orders ORDER BY id")

    assert lost > 1
