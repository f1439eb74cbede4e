"""Several that load windows into one table at once; and what must be there when all are done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kit.warehouse import House, day

__all__ = ["EXPECTED", "load_share", "loaded", "processes_at_once"]

TESTS = Path(__file__).parents[1]
WINDOWS = 8
EXPECTED = {
    "replace": sorted((i, i % (WINDOWS + 1), "7") for i in range(2000)),
    "append": sorted((i, i % (number + 2), str(number)) for number in range(WINDOWS) for i in range(2000)),
    "merge": sorted((i, *max((i % (number + 2), str(number)) for number in range(WINDOWS))) for i in range(2000)),
}


def load_share(house: House, mode: str, *, first: int, loaders: int) -> None:
    """Load every window that is this loader's, one by one, into a table that is called like the mode."""
    house.staged = first * 1000
    for number in range(first, WINDOWS, loaders):
        house.load(
            f"SELECT i AS id, i % {number + 2} AS since, '{number}' AS v FROM range(2000) t(i)",
            table=mode,
            mode=mode,
            key=("id",),
            newest_by="since",
            windowed=mode != "replace",
            window=day(number),
            run_id=f"r{number}",
        )


def processes_at_once(house: House, mode: str, *, loaders: int) -> list[int]:
    """Let so many processes share the windows; give how each ended."""
    command = [sys.executable, "-m", "kit.loaders", str(house.root), mode, str(loaders)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    begun = [subprocess.Popen([*command, str(first)], env=environment) for first in range(loaders)]
    return [loader.wait(timeout=120) for loader in begun]


def loaded(house: House, mode: str) -> list[tuple[object, ...]]:
    """Give the rows of the table that is called like the mode."""
    return sorted(house.rows(f"SELECT id, since, v FROM staging_shop.{mode}"))


if __name__ == "__main__":
    root, mode, loaders, first = sys.argv[1:]
    load_share(House(Path(root)), mode, first=int(first), loaders=int(loaders))
