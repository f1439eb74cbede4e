"""Rows that a later run has read again: a replay leaves them to that run."""

from __future__ import annotations

from kit.shop import (
    BY_DAY,
    CORRECTED,
    INCREMENTAL,
    POSITIVE,
    Shop,
    day,
)


def test_after_the_next_window_a_replay_of_the_one_before_touches_that_alone(shop: Shop):
    shop.run(POSITIVE, orders=BY_DAY, config=INCREMENTAL, window=day(1))
    (first,) = shop.records()
    shop.run(window=day(2))

    shop.replay(first, corrected="_dataflow_row,amount\n1,5\n")

    assert [1, 2, 3] == shop.loaded()
    assert [(4,)] == shop.quarantined()

    shop.run(window=day(2))
    shop.replay()

    assert [1, 2, 3] == shop.loaded()


def test_what_a_later_run_has_read_again_is_its_own_and_never_overwritten(shop: Shop):
    shop.run(POSITIVE, orders=BY_DAY, config=INCREMENTAL, window=day(1, 2))
    (first,) = shop.records()
    mended = BY_DAY.replace("3,new,1,", "3,paid,1,").replace("4,new,-2,", "4,new,2,")
    shop.run(POSITIVE, orders=mended, config=INCREMENTAL, window=day(2))

    (done,) = shop.replay(first, corrected="_dataflow_row,amount\n1,5\n2,7\n")

    assert 1 == done.passed
    assert [(1, "new", 10), (2, "new", 5), (3, "paid", 1), (4, "new", 2)] == shop.loaded(
        "order_id, status, amount::int"
    )
    assert [] == shop.records()


def test_rows_that_a_later_run_has_read_again_are_that_runs_alone(shop: Shop):
    shop.run(POSITIVE)
    (older,) = shop.records()
    shop.run()

    (done,) = shop.replay(older, corrected=CORRECTED)

    assert done.result is None
    assert "has read these rows again since" in done.reason
    assert [1, 4] == shop.loaded()

    shop.replay(corrected=CORRECTED)

    assert [1, 2, 3, 4] == shop.loaded() == shop.published()
