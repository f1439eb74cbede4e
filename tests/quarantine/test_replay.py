"""Rows come back from quarantine once, by count and by key, whatever happens around it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dataflow.errors import DataflowError, InputError
from dataflow.ops.reading import list_runs
from dataflow.ops.tables import runs
from dataflow.quarantine.records import find_quarantined
from kit.shop import (
    BY_DAY,
    CORRECTED,
    INCREMENTAL,
    KNOWN,
    LIFTED,
    POSITIVE,
    Shop,
    day,
)


def test_rows_that_pass_by_now_come_back_into_what_is_loaded_and_published(shop: Shop):
    shop.run(POSITIVE)
    shop.write(LIFTED)

    (done,) = shop.replay()

    assert ("success", 2, 0) == (done.result.status, done.passed, done.failed)
    assert [1, 2, 3, 4] == shop.loaded() == shop.published()
    assert [] == shop.records()


def test_corrected_values_take_the_place_of_the_bad_ones_and_the_rest_stays(shop: Shop):
    shop.run(POSITIVE)

    (done,) = shop.replay(corrected=CORRECTED)

    assert (2, 0) == (done.passed, done.failed)
    assert [(2, "lost", 5), (3, "paid", 1)] == shop.loaded("order_id, status, amount")[1:3]


def test_replaying_twice_puts_each_row_back_once(shop: Shop):
    shop.run(POSITIVE)
    (record,) = shop.records()
    shop.replay(record, corrected=CORRECTED)

    assert [] == shop.replay(find_quarantined(shop.history, record.id), corrected=CORRECTED)
    assert [] == shop.replay()
    assert [1, 2, 3, 4] == shop.loaded() == shop.published()


def test_rows_that_fail_again_stay_with_the_new_reason_and_the_others_come_back(shop: Shop):
    shop.run(POSITIVE, KNOWN)
    (record,) = shop.records()

    (done,) = shop.replay(record, corrected=CORRECTED)

    assert (1, 1) == (done.passed, done.failed)
    assert [1, 3, 4] == shop.loaded()
    (left,) = shop.records()
    assert (record.id, ("accepted_values_status",)) == (left.from_id, left.rules)
    assert [(2, 5)] == shop.quarantined("order_id, amount::int")

    shop.replay(left, corrected="_dataflow_row,status\n1,new\n")

    assert [1, 2, 3, 4] == shop.loaded()
    assert [] == shop.records()


def test_where_no_row_passes_nothing_is_loaded(shop: Shop):
    shop.run(POSITIVE)

    (done,) = shop.replay()

    assert (0, 2, "success") == (done.passed, done.failed, done.result.status)
    assert [1, 4] == shop.loaded()
    assert [(2,), (3,)] == shop.quarantined()


def test_a_value_that_does_not_fit_stays_with_what_it_is(shop: Shop):
    shop.run(POSITIVE)

    (done,) = shop.replay(corrected="_dataflow_row,amount\n1,five\n2,1\n")

    assert (1, 1) == (done.passed, done.failed)
    (left,) = shop.records()
    assert "amount: 'five' does not fit DECIMAL(12,2)" == left.reasons["schema_contract.data_type"]["reason"]
    assert [(2, "five")] == shop.quarantined("order_id, amount")


def test_a_row_with_the_key_of_one_that_is_there_is_refused_and_that_one_stays(shop: Shop):
    shop.run(POSITIVE, {"unique": "order_id"})

    (done,) = shop.replay(corrected="_dataflow_row,order_id,amount\n1,4,5\n2,3,1\n")

    assert (1, 1) == (done.passed, done.failed)
    assert [1, 3, 4] == shop.loaded()


def test_a_record_that_cannot_be_replayed_does_not_keep_the_others_back(shop: Shop):
    shop.run(POSITIVE, orders=BY_DAY, config=INCREMENTAL, window=day(1))
    (first,) = shop.records()
    shop.run(window=day(2))
    with shop.history.write() as connection:
        connection.execute(sa.update(runs).where(runs.c.run_id == first.key.run_id).values(status="FAILED"))

    shop.write(LIFTED, orders=BY_DAY, config=INCREMENTAL)
    stuck, done = shop.replay()

    assert "has not completed" in stuck.reason
    assert (1, "success") == (done.passed, done.result.status)
    assert [first] == shop.records()


def test_an_aggregate_is_made_of_the_whole_batch_again(shop: Shop):
    total = {
        "transform": {"totals": {"from": "orders", "stages": [{"sql": "select sum(amount) as total from totals"}]}}
    }
    shop.run(POSITIVE, config=total)

    shop.replay(corrected=CORRECTED)

    assert [1750 + 600] == shop.loaded("(total * 100)::int", table="totals")


def test_a_table_made_of_loaded_ones_is_made_anew(shop: Shop):
    count = {"transform": {"counted": {"stages": [{"sql": "select count(*) as n from orders"}]}}}
    shop.run(POSITIVE, config=count)

    shop.replay(corrected=CORRECTED)

    assert [4] == shop.loaded("n", table="counted")


def test_while_a_run_is_on_nothing_is_replayed(shop: Shop):
    shop.run(POSITIVE)
    refused = []
    script = "def orders(ctx, orders):\n    from kit import shop_hook\n    shop_hook.call()\n    return []\n"
    import sys
    from types import ModuleType

    hook = ModuleType("kit.shop_hook")

    def call() -> None:
        with pytest.raises(InputError, match="is on; replay when it has ended") as caught:
            shop.replay()
        refused.append(caught)

    hook.call = call
    sys.modules["kit.shop_hook"] = hook
    try:
        shop.run(POSITIVE, validation=script)
    finally:
        del sys.modules["kit.shop_hook"]

    assert 1 == len(refused)


def test_a_run_that_failed_is_brought_to_its_end_first(shop: Shop):
    shop.run(
        POSITIVE,
        config={"steps": ["ingest", "validate", {"gate": "no"}, "transform", "publish"]},
        steps="from dataflow import StepResult\ndef no(ctx):\n    return StepResult.fail('no')\n",
    )

    with pytest.raises(DataflowError, match="has not completed"):
        shop.replay()


def test_a_replay_moves_no_mark_and_is_a_run_of_its_own(shop: Shop):
    run = shop.run(POSITIVE, orders=BY_DAY, config=INCREMENTAL, window=day(1))
    shop.replay(corrected="_dataflow_row,amount\n1,5\n")

    newest = list_runs(shop.history, workflow="shop")[0]

    assert ("replay", run.run_id, "COMPLETED", day(1)) == (newest.kind, newest.replay_of, newest.status, newest.window)
