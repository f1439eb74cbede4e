"""Several loads at once, and a load that is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kit.warehouse import House, day

TESTS = Path(__file__).parents[1]

LOADER = """
import sys
from pathlib import Path
from kit.warehouse import House, day
house = House(Path(sys.argv[1]))
house.staged = int(sys.argv[2]) * 1000
for number in range(int(sys.argv[2]), 8, 2):
    house.load(
        f"SELECT i AS id, i % {number + 2} AS since, '{number}' AS v FROM range(2000) t(i)",
        table=sys.argv[3], mode=sys.argv[3], key=("id",), newest_by="since", windowed=True,
        window=day(number), run_id=f"r{number}",
    )
"""
EXPECTED = {
    "append": sorted((i, i % (number + 2), str(number)) for number in range(8) for i in range(2000)),
    "merge": sorted((i, *max((i % (number + 2), str(number)) for number in range(8))) for i in range(2000)),
}


def rows_of(house: House, table: str) -> list[tuple[object, ...]]:
    return sorted(house.rows(f"SELECT id, since, v FROM staging_shop.{table}"))


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_threads_that_load_windows_at_once_lose_nothing(house: House, mode: str):
    errors: list[BaseException] = []

    def work(first: int) -> None:
        mine = House(house.root)
        mine.staged = first * 1000
        try:
            for number in range(first, 8, 2):
                mine.load(
                    f"SELECT i AS id, i % {number + 2} AS since, '{number}' AS v FROM range(2000) t(i)",
                    table=mode,
                    mode=mode,
                    key=("id",),
                    newest_by="since",
                    windowed=True,
                    window=day(number),
                    run_id=f"r{number}",
                )
        except BaseException as error:  # noqa: BLE001 - told by the assertion
            errors.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == errors
    assert EXPECTED[mode] == rows_of(house, mode)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["append", "merge"])
def test_processes_that_load_windows_at_once_lose_nothing(house: House, mode: str):
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    loaders = [
        subprocess.Popen([sys.executable, "-c", LOADER, str(house.root), str(first), mode], env=environment)
        for first in range(2)
    ]
    codes = [loader.wait(timeout=120) for loader in loaders]

    assert [0, 0] == codes
    assert EXPECTED[mode] == rows_of(house, mode)


SLOW_LOADER = """
import sys
from pathlib import Path
from kit.warehouse import House, day
house = House(Path(sys.argv[1]))
staged = house.stage("SELECT i // 2 AS id, i % 2 AS since, 'new' AS v FROM range(6000000) t(i)")
house.stage = lambda query: staged
print("begun", flush=True)
house.load("", mode=sys.argv[2], key=("id",), newest_by="since", windowed=True, window=day(1), run_id="r2")
print("done", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["replace", "append", "merge"])
def test_a_load_that_is_killed_leaves_the_old_table_and_the_next_try_passes(house: House, mode: str):
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    moments = random.Random(seed)
    house.load(
        "SELECT 1 AS id, 0 AS since, 'old' AS v", mode=mode, key=("id",), newest_by="since", windowed=mode != "replace"
    )
    command = [sys.executable, "-c", SLOW_LOADER, str(house.root), mode]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    landed = 0
    for _ in range(4):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as loader:
            assert loader.stdout is not None
            # DuckDB may draw a progress bar first: it takes a program without a file for a person at a prompt.
            assert any(line == "begun\n" for line in loader.stdout)
            while not (house.settings.lock_file.read_text()):
                time.sleep(0.01)
            time.sleep(moments.uniform(0.05, 0.6))
            os.kill(loader.pid, signal.SIGKILL)
            done = "done" in loader.stdout.read()
        if done:
            break
        landed += 1
        assert [(1, 0, "old")] == house.rows("SELECT id, since, v FROM staging_shop.orders")

    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    expected = {"replace": (6_000_000, 0), "append": (6_000_001, 1), "merge": (3_000_000, 0)}[mode]

    assert landed >= 1
    assert [expected] == house.rows("SELECT count(*), count(*) FILTER (v = 'old') FROM staging_shop.orders")
