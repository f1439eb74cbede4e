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

from dataflow.errors import InputError, TrySuperseded
from dataflow.landing.current import current_manifest
from dataflow.landing.manifest import part_paths, read_manifest, verify
from dataflow.landing.orphans import sweep_landing
from dataflow.ops.history import History
from dataflow.ops.stages import StageKey, begin_stage
from dataflow.ops.tables import quarantine
from dataflow.quarantine.expiry import expire_quarantine
from dataflow.quarantine.orphans import sweep_quarantine
from dataflow.quarantine.records import QuarantineKey, count_open, find_quarantined, list_quarantined
from dataflow.quarantine.store import quarantine_rows, write_rows
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
def landing(tmp_path: Path) -> Path:
    return tmp_path / "landing"


def put(history: History, landing: Path, key: QuarantineKey = KEY, query: str = BAD) -> int:
    with duckdb.connect() as connection:
        return quarantine_rows(history, landing, key, connection=connection, query=query, scratch=landing.parent)


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
        write_rows(landing, replace(KEY, run_id="killed"), connection=connection, query=BAD, scratch=landing.parent)

    assert 0 == sweep_quarantine(history, landing)

    age(landing)

    assert 0 == sweep_landing(landing)
    assert 2 == sweep_quarantine(history, landing)
    verify(read_manifest(list_quarantined(history)[0].uri))


def test_a_try_that_is_killed_before_its_record_leaves_what_counted_before(history, landing):
    put(history, landing)
    child = os.fork()
    if child == 0:
        with duckdb.connect() as connection:
            write_rows(landing, replace(KEY, try_number=2), connection=connection, query=BAD, scratch=landing.parent)
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


def begin(history: History, task_id: str, try_number: int) -> None:
    stage = {"ingest": "INGESTED", "validate": "VALIDATED"}[task_id.partition(".")[0]]
    key = StageKey(workflow="shop", run_id="run", stage=stage, try_number=try_number, task_id=task_id)  # type: ignore[arg-type]  # one of the names
    begin_stage(history, key)


@pytest.mark.parametrize("query", [BAD, NONE], ids=["that found bad rows", "that found none"])
def test_a_try_that_was_taken_for_dead_and_ends_after_the_next_one_counts_for_nothing(history, landing, query):
    for number in (1, 2):
        begin(history, KEY.task_id, number)
    put(history, landing, replace(KEY, try_number=2))

    with pytest.raises(TrySuperseded, match=r"try 1 of validate\.orders was taken for dead and try 2 began"):
        put(history, landing, query=query)

    assert [2] == [each.key.try_number for each in list_quarantined(history, only_open=False)]
    assert 2 == count_open(history, "shop")


def test_a_run_that_was_deleted_and_begins_anew_with_its_first_try_is_not_taken_for_dead(history, landing):
    for number in (1, 2):
        begin(history, KEY.task_id, number)
        put(history, landing, replace(KEY, try_number=number))

    begin(history, KEY.task_id, 1)

    assert 2 == put(history, landing)
    assert [1] == [each.key.try_number for each in list_quarantined(history)]


def test_of_a_run_that_began_anew_a_first_try_still_counts_for_nothing_once_the_second_began(history, landing):
    for number in (1, 2, 3, 1, 2):
        begin(history, KEY.task_id, number)

    with pytest.raises(TrySuperseded, match="try 2 began"):
        put(history, landing)

    assert 2 == put(history, landing, replace(KEY, try_number=2))


def test_a_run_that_is_cleared_goes_on_with_the_next_try(history, landing):
    for number in (1, 2):
        begin(history, KEY.task_id, number)
        put(history, landing, replace(KEY, try_number=number))

    begin(history, KEY.task_id, 3)

    assert 2 == put(history, landing, replace(KEY, try_number=3))
    assert [3] == [each.key.try_number for each in list_quarantined(history)]


def test_an_ingest_that_was_taken_for_dead_takes_nothing_from_the_validation_of_the_next_one(history, landing):
    for number in (1, 2):
        begin(history, "ingest.orders", number)
    begin(history, KEY.task_id, 1)
    put(history, landing)

    with pytest.raises(TrySuperseded):
        put(history, landing, replace(KEY, stage="ingest", task_id="ingest.orders"), NONE)

    assert ["validate"] == [each.key.stage for each in list_quarantined(history)]


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
