"""A run that was deleted in Airflow and is triggered again under its id: its tries count from 1 again."""

from __future__ import annotations

import pytest

from dataflow.ops.reading import read_run
from dataflow.quarantine.records import list_quarantined
from kit.airflow_run import AirflowRun
from kit.shop import APPENDED, COLUMNS, MERGED, ORDERS, POSITIVE, Shop

LIFTED = {"range": {"column": "amount", "min": -100}, "on_fail": "quarantine"}
SOURCE = {"type": "file", "format": "csv", "path": "orders.csv", "columns": COLUMNS}
CONTRACT = {"sources": {"orders": {**SOURCE, "schema_contract": {"data_type": "quarantine"}}}}
WORDS = ORDERS.replace("-5.00", "five").replace("-1.00", "one")


@pytest.fixture
def shop(shop_anywhere: Shop) -> Shop:
    return shop_anywhere


@pytest.mark.parametrize("load", [{}, APPENDED, MERGED], ids=["replace", "append", "merge"])
def test_after_it_a_replay_and_the_next_run_leave_each_row_once(shop: Shop, load):
    shop.write(POSITIVE, config=load)
    AirflowRun(shop.project).do_all()
    AirflowRun(shop.project).do_all()

    assert [(2,), (3,)] == shop.quarantined()

    shop.write(LIFTED, config=load)
    shop.replay()

    assert [1, 2, 3, 4] == shop.loaded() == shop.published()

    shop.write(LIFTED, orders=ORDERS.replace("1,new", "5,new"), config=load)
    AirflowRun(shop.project, "manual__2", due=6).do_all()

    once = {"append": [1, 2, 2, 3, 3, 4, 4, 5], "merge": [1, 2, 3, 4, 5]}
    assert once.get(load["load"]["orders"]["mode"] if load else "", [2, 3, 4, 5]) == shop.loaded()
    assert [] == shop.records()


@pytest.mark.parametrize("load", [{}, APPENDED, MERGED], ids=["replace", "append", "merge"])
def test_what_its_checks_quarantined_before_is_not_put_in_twice(shop: Shop, load):
    shop.write(POSITIVE, config=load)
    AirflowRun(shop.project).do_all()
    shop.write(LIFTED, config=load)
    AirflowRun(shop.project).do_all()
    shop.replay()

    (over,) = list_quarantined(shop.history, only_open=False)
    assert (1, False) == (over.key.try_number, over.is_open)
    assert [1, 2, 3, 4] == shop.loaded() == shop.published()


def test_what_its_ingest_quarantined_before_no_longer_counts(shop: Shop):
    shop.write({"not_null": "order_id"}, orders=WORDS, config=CONTRACT)
    AirflowRun(shop.project).do_all()
    shop.write({"not_null": "order_id"})
    AirflowRun(shop.project).do_all()

    assert [] == shop.records()
    assert [1, 2, 3, 4] == shop.loaded()


def test_what_a_replay_had_put_back_is_judged_anew(shop: Shop):
    shop.write(POSITIVE, config=APPENDED)
    AirflowRun(shop.project).do_all()
    shop.replay(corrected="_dataflow_row,amount\n1,5.00\n")
    AirflowRun(shop.project).do_all()

    assert [1, 2, 4] == shop.loaded()
    assert [(3,)] == shop.quarantined()


def test_of_a_run_that_fails_again_is_told_again(shop: Shop):
    shop.write(POSITIVE)
    for run in (AirflowRun(shop.project), AirflowRun(shop.project)):
        run.do("ingest.orders")

        assert run.end("FAILED")
        assert not run.end("FAILED")

    story = read_run(shop.history, "manual__1")
    assert ["FAILED", "FAILED"] == [stage.stage for stage in story.stages if stage.stage == "FAILED"]


def test_a_check_that_passes_now_shows_no_rows_that_it_refused_before(shop: Shop):
    shop.write(POSITIVE)
    AirflowRun(shop.project).do_all()
    shop.write(LIFTED)
    AirflowRun(shop.project).do_all()

    before, after = read_run(shop.history, "manual__1").checks

    assert (2, 0) == (len(before["sample"]), len(after["sample"]))
