"""What lies in quarantine, and what of it counts."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from dataflow.errors import InputError
from dataflow.landing.current import current_manifest
from dataflow.landing.manifest import part_paths, read_manifest, verify
from dataflow.landing.sweep import sweep
from dataflow.ops.history import History
from dataflow.ops.quarantine import QuarantineKey, count_open, find_quarantined, list_quarantined
from dataflow.ops.tables import quarantine
from dataflow.quarantine.store import quarantine_rows, write_rows
from dataflow.quarantine.sweep import expire_quarantine, sweep_quarantine
from kit.landing import DAY, land

KEY = QuarantineKey(
    workflow="shop",
    run_id="run",
    table="orders",
    task_id="validate.orders",
    try_number=1,
    window=DAY,
    stage="validate",
)
BAD = (
    "SELECT i AS id, 'x' AS status, ['positive', 'known'] AS _dataflow_rules, "
    "['id is not positive', 'x is unknown'] AS _dataflow_reasons FROM range(-2, 0) t(i)"
)
NONE = f"{BAD} WHERE false"


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(f"sqlite:///{tmp_path / 'ops.db'}")
    made.create()
    return made


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return tmp_path / "landing"


def put(history: History, landing: Path, key: QuarantineKey = KEY, query: str = BAD) -> int:
    with duckdb.connect() as connection:
        return quarantine_rows(history, landing, key, connection=connection, query=query)


def age(landing: Path) -> None:
    then = time.time() - 2 * 86_400
    for path in [landing, *landing.rglob("*")]:
        os.utime(path, (then, then))


def test_whole_rows_lie_there_with_what_refused_them(history, landing):
    assert 2 == put(history, landing)

    (found,) = list_quarantined(history)
    manifest = read_manifest(found.uri)
    verify(manifest)
    rows = duckdb.sql(f"SELECT * FROM read_parquet({part_paths(manifest)})").fetchall()
    says = ["id is not positive", "x is unknown"]

    assert (KEY, 2, True) == (found.key, found.rows, found.is_open)
    assert {"known": {"reason": "x is unknown", "rows": 2}} == {"known": found.reasons["known"]}
    assert [(n + 1, -2 + n, "x", ["positive", "known"], says) for n in range(2)] == rows


def test_readers_of_the_window_do_not_see_quarantine(history, landing):
    batch = land(landing)
    put(history, landing)

    assert batch == current_manifest(landing, "shop", "orders", DAY)


def test_of_several_tries_only_the_last_counts(history, landing):
    put(history, landing)
    put(history, landing, replace(KEY, try_number=2))

    assert [2] == [each.key.try_number for each in list_quarantined(history)]
    assert 2 == count_open(history, "shop")
    assert 2 == len(list_quarantined(history, only_open=False))


def test_a_try_that_finds_nothing_wrong_ends_what_the_earlier_one_quarantined(history, landing):
    put(history, landing)

    assert 0 == put(history, landing, replace(KEY, try_number=2), NONE)
    assert [] == list_quarantined(history)


def test_ingesting_again_ends_what_validation_quarantined_but_not_the_other_way_round(history, landing):
    ingest = replace(KEY, stage="ingest", task_id="ingest.orders")
    put(history, landing, ingest)
    put(history, landing)

    assert ["validate", "ingest"] == [each.key.stage for each in list_quarantined(history)]

    put(history, landing, replace(KEY, try_number=2), NONE)

    assert ["ingest"] == [each.key.stage for each in list_quarantined(history)]

    put(history, landing)
    put(history, landing, replace(ingest, try_number=2), NONE)

    assert [] == list_quarantined(history)


def test_other_runs_and_tables_keep_theirs(history, landing):
    put(history, landing)
    put(history, landing, replace(KEY, run_id="another"))
    put(history, landing, replace(KEY, table="customers"))

    assert 2 == count_open(history, "shop", run_id="another")
    assert 6 == count_open(history, "shop")


def test_files_that_no_record_names_are_swept_after_a_day_and_others_stay(history, landing):
    put(history, landing)
    with duckdb.connect() as connection:
        write_rows(landing, replace(KEY, run_id="killed"), connection=connection, query=BAD)

    assert 0 == sweep_quarantine(history, landing)

    age(landing)

    assert 0 == sweep(landing)
    assert 2 == sweep_quarantine(history, landing)
    verify(read_manifest(list_quarantined(history)[0].uri))


def test_a_try_that_is_killed_before_its_record_leaves_what_counted_before(history, landing):
    put(history, landing)
    child = os.fork()
    if child == 0:
        with duckdb.connect() as connection:
            write_rows(landing, replace(KEY, try_number=2), connection=connection, query=BAD)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)

    assert [1] == [each.key.try_number for each in list_quarantined(history)]


def test_what_is_over_expires_with_its_files_and_what_waits_never_does(history, landing):
    put(history, landing)
    put(history, landing, replace(KEY, try_number=2))
    age(landing)
    with history.write() as connection:
        old = sa.func.datetime("now", "-30 days")
        connection.execute(sa.update(quarantine).values(quarantined_at=sa.type_coerce(old, sa.String)))

    assert 1 == expire_quarantine(history, landing, older_than=timedelta(days=7), dry_run=True)
    assert 1 == expire_quarantine(history, landing, older_than=timedelta(days=7))

    (left,) = list_quarantined(history, only_open=False)
    assert left.is_open
    verify(read_manifest(left.uri))
    assert 1 == len(list(landing.rglob("manifest.json")))


def test_an_id_that_nobody_has_is_told(history):
    with pytest.raises(InputError, match="has the id 7"):
        find_quarantined(history, 7)


def test_a_history_of_an_older_version_gains_the_columns_that_it_lacks(tmp_path: Path, landing):
    history = History(f"sqlite:///{tmp_path / 'old.db'}")
    history.create()
    with history.write() as connection:
        for column in ("stage", "reasons", "superseded_by"):
            connection.exec_driver_sql(f"ALTER TABLE core_quarantine DROP COLUMN {column}")

    assert not history.is_created()

    history.create()

    assert history.is_created()
    assert 2 == put(history, landing)
