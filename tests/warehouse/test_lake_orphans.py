"""Data files that a killed transaction left in a lake's place: they go, and nothing else does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dataflow.errors import FatalError
from dataflow.maintenance.chores import do_chore
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.lake_orphans import MARK, delete_orphans
from kit.databases import lake_settings
from kit.store import bucket
from kit.warehouse import House

pytestmark = pytest.mark.postgres

TESTS = Path(__file__).parents[1]
KILLED = """
import os, signal, sys
from pathlib import Path
from dataflow.settings import Settings
from dataflow.warehouse.connection import open_warehouse
with open_warehouse(Settings.load(Path(sys.argv[1])), purpose="test") as connection:
    connection.begin()
    connection.execute("CREATE TABLE shop.killed AS FROM range(5000)")
    os.kill(os.getpid(), signal.SIGKILL)
"""
ROWS = "SELECT i AS id FROM range(5000) t(i)"


@pytest.fixture
def other(lake: House, tmp_path: Path) -> Iterator[House]:
    """Another lake, with a catalog of its own, in the same folder."""
    with lake_settings() as setting:
        yield House(tmp_path / "other", lake=setting, data=place_of(lake))


def place_of(house: House) -> Path:
    return house.root / ".dataflow/lake"


def data_files(folder: Path) -> set[Path]:
    return set(folder.rglob("*.parquet"))


def load_in_order(house: House) -> None:
    """Load rows, and have the upkeep write to files what it does, so that it leaves them be from now on."""
    house.load(ROWS)
    do_chore("warehouse", house.settings)


def leave_a_file(house: House) -> None:
    """Kill a process within a transaction that wrote a file."""
    killed = subprocess.run([sys.executable, "-c", KILLED, str(house.root)], check=False, timeout=120)
    assert -9 == killed.returncode


def age(*files: Path) -> None:
    for file in files:
        os.utime(file, (time.time() - 2 * 86_400,) * 2)


def tidied(house: House, *, dry_run: bool = False) -> str:
    return " ".join(
        line for line in do_chore("warehouse", house.settings, dry_run=dry_run).told if "data files" in line
    )


def test_what_a_killed_task_left_goes_after_a_day_and_nothing_else(lake: House):
    create_warehouse(lake.settings, ["shop"])
    load_in_order(lake)
    place = place_of(lake)
    committed = data_files(place)
    leave_a_file(lake)
    left = data_files(place) - committed
    assert 1 == len(left)
    foreign = place / "landing" / "part-0.parquet"
    foreign.parent.mkdir()
    foreign.write_bytes(b"of somebody else")
    age(foreign, place / MARK, *committed, *left)
    leave_a_file(lake)
    young = data_files(place) - committed - left - {foreign}

    assert "1 data files of killed transactions" == tidied(lake, dry_run=True)
    assert left <= data_files(place)
    assert "1 data files of killed transactions" == tidied(lake)

    assert committed | young | {foreign} == data_files(place)
    assert "" == tidied(lake)
    assert [(5000,)] == lake.rows("SELECT count(*) FROM staging_shop.orders")


def test_files_stay_in_a_place_that_nobody_claimed_until_somebody_does(lake: House, other: House):
    """As when two lakes have shared a folder since before places were marked."""
    load_in_order(other)
    create_warehouse(lake.settings, ["shop"])
    theirs = data_files(place_of(lake))
    age(*theirs)

    told = tidied(lake)
    assert "are left, for" in told
    assert "is not marked as this lake's own. If no other lake keeps data there, write " in told
    assert theirs == data_files(place_of(lake))

    own = told.split("write ")[1].split(" into")[0]
    place_of(lake).joinpath(MARK).write_text(own + "\n")
    assert f"{len(theirs)} data files of killed transactions" == tidied(lake)


def test_files_stay_in_a_place_that_is_another_lakes(lake: House, other: House):
    create_warehouse(other.settings, ["shop"])
    load_in_order(other)
    theirs = data_files(place_of(lake))
    age(*theirs)

    assert "is another lake's" in tidied(lake)
    assert theirs == data_files(place_of(lake))


def test_a_lake_in_the_place_of_another_is_refused(lake: House, other: House):
    create_warehouse(lake.settings, ["shop"])

    with pytest.raises(FatalError, match=r"holds the data of another lake .* give each a folder of its own"):
        create_warehouse(other.settings, ["shop"])
    create_warehouse(lake.settings, ["shop"])


def test_what_a_killed_task_left_in_s3_goes(tmp_path: Path):
    with bucket() as store, lake_settings() as setting:
        house = House(tmp_path / "house", lake=setting, data=store.place("marts/lake"))
        create_warehouse(house.settings, ["shop"])
        load_in_order(house)
        before = store.names()
        leave_a_file(house)
        store.put("marts/lake/part-0.parquet", "of somebody else")

        assert "" == tidied(house)
        with open_warehouse(house.settings, purpose="test") as connection:
            told = delete_orphans(
                connection,
                house.settings.warehouse,
                house.settings.warehouse_data,
                dry_run=False,
                older_than=timedelta(0),
            )

        assert ["1 data files of killed transactions"] == told
        assert sorted([*before, "marts/lake/part-0.parquet"]) == store.names()
        assert f"marts/lake/{MARK}" in before
        assert [(5000,)] == house.rows("SELECT count(*) FROM staging_shop.orders")
