"""Run history as a database, on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.errors import TransientError
from dataflow.ops.history import History, open_history
from dataflow.ops.runs import RunRecord, close_run, find_run, insert_run, now
from kit.databases import postgres_schema
from kit.runs import days
from kit.together import eight_at_once


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request, tmp_path: Path):
    """Where a history may be made."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'deep' / 'ops.db'}"
    else:
        with postgres_schema() as made:
            yield made


def record(run_id: str, **given: object) -> RunRecord:
    values: dict = {
        "workflow": "shop",
        "run_id": run_id,
        "kind": "scheduled",
        "engine": "airflow",
        "host": "here",
        "created_at": now(),
        "window_from": "ticks",
        "window": days(0, 1),
        "ranges": {"orders": days(0, 1)},
    }
    return RunRecord(**values | given)


def test_of_eight_processes_one_creates_a_run_and_all_read_the_same(url):
    """They also make the tables at once."""

    def create_and_insert(number: int) -> tuple[bool, str, str]:
        history = History(url)
        history.create()
        with history.write() as connection:
            won = insert_run(connection, record("r", host=f"host-{number}"))
            return won, f"host-{number}", find_run(connection, "shop", run_id="r").host

    told = eight_at_once(create_and_insert)
    winners = [host for won, host, _ in told if won]

    assert 1 == len(winners)
    assert set(winners) == {found for _, _, found in told}


@pytest.mark.parametrize(
    ("said", "kept"),
    [('no column "Gr\udcf6\udcdfe"; größer', r'no column "Gr\udcf6\udcdfe"; größer'), ("a\0b", r"a\x00b")],
)
def test_a_text_that_a_database_has_no_room_for_does_not_cost_a_run_its_end(url, said: str, kept: str):
    history = open_history(url)
    with history.write() as connection:
        insert_run(connection, record("r"))
        close_run(connection, "shop", run_id="r", status="FAILED", reason=said)

    with history.read() as connection:
        found = find_run(connection, "shop", run_id="r")

    assert "FAILED" == found.status
    assert kept == found.reason.replace("\0", r"\x00")  # SQLite has room for it


def test_a_run_is_read_as_it_was_written(url):
    history = History(url)
    history.create()
    written = record("r", domain="shop.orders", partition_key="2025-01", reason="ünïcode")
    with history.write() as connection:
        insert_run(connection, written)

    with history.read() as connection:
        found = find_run(connection, "shop", run_id="r")

    assert written == found


def test_creating_twice_keeps_what_is_there(url):
    history = History(url)
    history.create()
    with history.write() as connection:
        insert_run(connection, record("r"))

    history.create()

    with history.read() as connection:
        assert find_run(connection, "shop", run_id="r") is not None


def test_an_error_within_a_transaction_leaves_nothing(url):
    history = History(url)
    history.create()
    with pytest.raises(ZeroDivisionError), history.write() as connection:
        _ = insert_run(connection, record("r")) / 0

    with history.read() as connection:
        assert find_run(connection, "shop", run_id="r") is None


def test_opening_makes_the_tables(url):
    assert open_history(url).is_created()


def test_a_history_that_does_not_answer_may_be_tried_again_and_its_password_is_not_told():
    history = History("postgresql+psycopg2://me:hunter22@127.0.0.1:1/none")

    with pytest.raises(TransientError) as caught:
        history.create()

    assert "hunter22" not in str(caught.value)
    assert "does not answer" in str(caught.value)
