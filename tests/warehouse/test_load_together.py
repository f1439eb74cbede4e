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

from kit.loaders import EXPECTED, load_share, loaded, processes_at_once
from kit.warehouse import House

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_threads_that_load_windows_at_once_lose_nothing(house: House, mode: str):
    errors: list[BaseException] = []

    def work(first: int) -> None:
        try:
            load_share(House(house.root), mode, first=first, loaders=2)
        except BaseException as error:  # noqa: BLE001 - told by the assertion
            errors.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == errors
    assert EXPECTED[mode] == loaded(house, mode)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["append", "merge"])
def test_processes_that_load_windows_at_once_lose_nothing(house: House, mode: str):
    assert [0, 0] == processes_at_once(house, mode, loaders=2)
    assert EXPECTED[mode] == loaded(house, mode)


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
