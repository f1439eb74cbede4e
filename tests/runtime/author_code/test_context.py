"""What author code gets, and what it may return."""

from __future__ import annotations

import json

import pytest

from dataflow.errors import FatalError, InputError
from dataflow.runtime.author_code.context import FIRST_DAY, StepContext
from dataflow.runtime.receipt import StepReceipt, bounded_json
from dataflow.runtime.result import StepResult


def test_a_unit_test_makes_a_context_from_a_name():
    ctx = StepContext("shop")

    assert (FIRST_DAY, None, {}) == (ctx.window, ctx.cursor, dict(ctx.params))


def test_the_output_of_a_step_of_ours_is_its_receipt():
    receipt = StepReceipt(table="orders", rows=5, uri="u", window=FIRST_DAY.to_json())
    ctx = StepContext("shop", outputs={"ingest.orders": receipt.to_json()}.get)

    assert receipt == ctx.output("ingest.orders")


def test_the_output_of_another_step_is_what_it_returned():
    ctx = StepContext("shop", outputs={"normalize": {"null_rate": 0.5}}.get)

    assert 0.5 == ctx.output("normalize")["null_rate"]


@pytest.mark.parametrize("ctx", [StepContext("shop"), StepContext("shop", outputs={}.get)])
def test_a_step_without_output_is_named(ctx):
    with pytest.raises(InputError, match="no output of 'normalize'"):
        ctx.output("normalize")


def test_a_receipt_leaves_out_what_is_not_set():
    assert {"table": "orders", "rows": 0} == StepReceipt(table="orders", rows=0).to_json()


def test_a_receipt_of_very_many_tables_stays_small():
    receipt = StepReceipt(table=None, rows=9, tables={f"a_table_with_a_long_name_{n}": n for n in range(5_000)})

    assert {"rows": 9} == receipt.to_json()


@pytest.mark.parametrize(
    ("value", "told"),
    [({"x": "y" * 20_000}, "16384 are the limit"), ({"x": object()}, "not JSON"), ({"x": float("nan")}, "not JSON")],
)
def test_an_output_that_is_too_large_or_no_json_is_refused(value, told):
    with pytest.raises(FatalError, match=told):
        bounded_json(value, of="normalize")


def test_a_step_result_says_how_the_step_ended():
    ok, failed = StepResult.ok({"rows": 3}), StepResult.fail("Too few", "QUALITY_GATE")

    assert (True, {"rows": 3}) == (ok.succeeded, ok.output)
    assert (False, "Too few", "QUALITY_GATE") == (failed.succeeded, failed.message, failed.category)


def test_receipts_are_json():
    assert json.dumps(StepReceipt(table=None, rows=1, tables={"a": 1}).to_json())
