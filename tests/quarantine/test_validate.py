"""Rows that a check refuses leave the batch for quarantine; the run goes on with the others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.ops.reading import read_run
from dataflow.quarantine.records import count_open, list_quarantined
from dataflow.quarantine.store import REASONS, RULES
from kit.project import Project
from kit.shop import KNOWN, POSITIVE, Shop


def test_failing_rows_lie_in_quarantine_and_the_others_are_loaded(shop: Shop):
    run = shop.run(POSITIVE)

    assert ("success", None) == (run.status, run.error)
    assert [1, 4] == shop.loaded()
    assert [(2, "lost"), (3, "paid")] == shop.quarantined("order_id, status")
    assert (4, 2) == shop.receipt(run, "VALIDATED")
    assert 2 == count_open(shop.history, "shop", run_id=run.run_id)


def test_a_row_that_fails_two_checks_lies_there_once_with_both_reasons(shop: Shop):
    shop.run(POSITIVE, KNOWN)

    (of_both, of_one) = shop.quarantined(f"order_id, {RULES}, {REASONS}")

    assert (2, ["range_amount", "accepted_values_status"]) == of_both[:2]
    assert ["amount is below 0 in 2 of 4 rows", "status is other than new, paid in 1 of 4 rows"] == of_both[2]
    assert (3, ["range_amount"]) == of_one[:2]
    (record,) = list_quarantined(shop.history)
    assert {"range_amount": 2, "accepted_values_status": 1} == {k: v["rows"] for k, v in record.reasons.items()}


def test_other_checks_judge_what_quarantine_left(shop: Shop):
    run = shop.run(
        {"range": {"column": "amount", "min": 0}, "name": "all_is_well"}, {"row_count": {"max": 2}}, POSITIVE
    )
    checks = {each["name"]: (each["status"], each["rows"]) for each in read_run(shop.history, run.run_id).checks}

    assert "success" == run.status
    assert {"all_is_well": ("passed", 2), "row_count": ("passed", 2), "range_amount": ("quarantined", 4)} == checks


def test_a_function_of_the_author_sees_what_quarantine_left(shop: Shop):
    says = (
        "from dataflow import CheckResult\ndef orders(ctx, orders):\n    yield CheckResult('two', len(orders) == 2)\n"
    )

    assert "success" == shop.run(POSITIVE, validation=says).status


@pytest.mark.parametrize(("limit", "status"), [(2, "success"), (1, "failed"), ("50%", "success"), ("49%", "failed")])
def test_more_than_max_failures_fail_the_task_and_nothing_is_quarantined(shop: Shop, limit, status):
    run = shop.run(POSITIVE | {"max_failures": limit})

    assert status == run.status
    assert (2 if status == "success" else 0) == count_open(shop.history, "shop")
    if status == "failed":
        assert f"at most {limit} may be quarantined" in str(run.error)


def test_another_check_that_fails_lets_nothing_be_quarantined(shop: Shop):
    assert "failed" == shop.run(POSITIVE, {"row_count": {"min": 100}}).status
    assert 0 == count_open(shop.history, "shop")


def test_rows_that_share_a_key_are_quarantined_all_of_them(shop: Shop):
    shop.run({"unique": "status", "on_fail": "quarantine"})

    assert [(3,), (4,)] == shop.quarantined()


def test_a_query_quarantines_the_rows_that_it_returns(shop: Shop):
    shop.run({"sql": "select o.* from orders o where o.amount < 0 -- bad", "name": "own", "on_fail": "quarantine"})

    assert [(2,), (3,)] == shop.quarantined()
    assert [1, 4] == shop.loaded()


def test_a_query_that_does_not_return_whole_rows_is_told_the_way_out(shop: Shop):
    run = shop.run({"sql": "select order_id from orders where amount < 0", "name": "own", "on_fail": "quarantine"})

    assert "failed" == run.status
    assert "select orders.* from" in str(run.error)


def test_where_nothing_is_refused_the_batch_stays_what_it_is(shop: Shop):
    run = shop.run({"unique": "order_id", "on_fail": "quarantine"})
    uris = {each.uri for each in read_run(shop.history, run.run_id).stages if each.stage in ("INGESTED", "VALIDATED")}

    assert 1 == len(uris)


ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["new", "paid", "lost", ""]), st.integers(-3, 3)), max_size=12
)
CHECKS = st.lists(
    st.sampled_from(
        [
            POSITIVE,
            KNOWN,
            {"unique": "order_id", "on_fail": "quarantine"},
            {"not_null": ["status"], "on_fail": "quarantine"},
            {"sql": "select * from orders where amount > 2", "name": "large", "on_fail": "quarantine"},
        ]
    ),
    unique_by=str,
    min_size=1,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, checks=CHECKS)
def test_every_row_is_either_loaded_or_in_quarantine(tmp_path_factory, rows, checks):
    shop = Shop(Project(Path(tmp_path_factory.mktemp("shop"))))
    text = "order_id,status,amount\n" + "".join(f"{key},{status},{amount}\n" for key, status, amount in rows)

    run = shop.run(*checks, orders=text)

    assert ("success", None) == (run.status, run.error)
    assert Counter(row[0] for row in rows) == Counter([*shop.loaded(), *(row[0] for row in shop.quarantined())])
    rows_in, rows_out = shop.receipt(run, "VALIDATED")
    assert rows_in == (rows_out or 0) + count_open(shop.history, "shop")
