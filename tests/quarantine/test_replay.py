"""Rows come back from quarantine once, by count and by key, whatever happens around it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from dataflow.errors import DataflowError, InputError
from dataflow.interval import Interval
from dataflow.ops.reading import list_runs
from dataflow.ops.tables import runs
from dataflow.quarantine.records import find_quarantined
from dataflow.runtime.local.resume import resume_from
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.quarantine.replay import replay
from kit.shop import COLUMNS, KNOWN, ORDERS, POSITIVE, Shop

CORRECTED = "_dataflow_row,amount\n1,5.00\n2,1.00\n"
LIFTED = {"range": {"column": "amount", "min": -100}, "on_fail": "quarantine"}


def day(number: int) -> Interval:
    return Interval(datetime(2025, 1, number, tzinfo=UTC), datetime(2025, 1, number + 1, tzinfo=UTC))


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


@pytest.mark.parametrize(
    ("corrected", "told"),
    [
        ("order_id,amount\n2,5\n", "has 1 rows, and quarantine"),
        ("_dataflow_row,amount\n3,5\n", "has no row 3 (_dataflow_row); the rows are 1 to 2"),
        ("_dataflow_row,amount\n1,5\n1,6\n", "_dataflow_row 1 is there 2 times; keep one line for each row"),
        ("_dataflow_row,amount\nfirst,5\n", "a line has no number in _dataflow_row; the rows are 1 to 2"),
        ("", "corrected.csv is empty"),
        ("_dataflow_row,amunt\n1,5\n", "did you mean 'amount'"),
    ],
)
def test_a_file_that_is_no_correction_of_the_record_changes_nothing(shop: Shop, corrected, told):
    shop.run(POSITIVE)

    (done,) = shop.replay(corrected=corrected)

    assert "failed" == done.result.status
    assert told in done.result.error
    assert [1, 4] == shop.loaded()
    assert 1 == len(shop.records())


def test_a_file_without_numbers_corrects_all_rows_in_their_order(shop: Shop):
    shop.run(POSITIVE)

    shop.replay(corrected="order_id,status,amount\n2,new,5\n3,new,1\n")

    assert [1, 2, 3, 4] == shop.loaded()


# How tables are loaded

APPENDED = {"load": {"orders": {"mode": "append"}}}
MERGED = {"load": {"orders": {"mode": "merge", "key": "order_id"}}}
INCREMENTAL = {"incremental": {"cursor": "at"}, "schedule": "@daily"}
BY_DAY = (
    "order_id,status,amount,at\n"
    "1,new,10,2025-01-01T08:00\n2,new,-5,2025-01-01T20:00\n3,new,1,2025-01-02T08:00\n4,new,-2,2025-01-02T20:00\n"
)


@pytest.mark.parametrize("load", [{}, APPENDED, MERGED], ids=["replace", "append", "merge"])
def test_in_each_mode_a_rerun_after_a_replay_leaves_each_row_once(shop: Shop, load):
    run = shop.run(POSITIVE, config=load)
    shop.replay(corrected=CORRECTED)
    workflow = shop.project.workflow("shop")

    earlier = resume_from(shop.history, workflow, step="transform", window=None)
    again = run_workflow(workflow, settings=shop.settings, earlier=earlier)

    assert ("success", run.run_id) == (again.status, again.run_id)
    assert [1, 2, 3, 4] == shop.loaded() == shop.published()


@pytest.mark.parametrize("step", ["ingest", "validate"])
@pytest.mark.parametrize("load", [{}, APPENDED, MERGED], ids=["replace", "append", "merge"])
def test_a_run_that_is_cleared_judges_the_rows_again_and_each_is_there_once(shop: Shop, load, step):
    shop.run(POSITIVE, config=load)
    shop.replay(corrected=CORRECTED)
    workflow = shop.project.workflow("shop")

    run_workflow(workflow, settings=shop.settings, earlier=resume_from(shop.history, workflow, step=step, window=None))

    waiting = [row[0] for row in shop.quarantined()]
    if "merge" not in str(load):  # which deletes nothing: the row stays as it was corrected
        assert [1, 2, 3, 4] == sorted([*shop.loaded(), *waiting])

    shop.replay(corrected=CORRECTED)

    assert [1, 2, 3, 4] == shop.loaded() == shop.published()
    assert [] == shop.records()


@pytest.mark.parametrize("load", [{}, APPENDED, MERGED], ids=["replace", "append", "merge"])
def test_a_cleared_validation_that_refuses_nothing_takes_back_what_ingest_had_quarantined(shop: Shop, load):
    misfits = ORDERS.replace("-5.00", "five").replace("-1.00", "1.00")
    source = {"type": "file", "format": "csv", "path": "orders.csv", "columns": COLUMNS}
    contract = {"sources": {"orders": {**source, "schema_contract": {"data_type": "quarantine"}}}}
    shop.run({"not_null": "order_id"}, orders=misfits, config={**contract, **load})
    shop.replay(corrected="_dataflow_row,amount\n1,5.00\n")
    workflow = shop.project.workflow("shop")
    for _ in range(2):
        cleared = resume_from(shop.history, workflow, step="validate", window=None)
        run_workflow(workflow, settings=shop.settings, earlier=cleared)

        waiting = [int(row[0]) for row in shop.quarantined()]
        if "merge" not in str(load):  # which deletes nothing: the row stays as it was corrected
            assert [1, 2, 3, 4] == sorted([*shop.loaded(), *waiting])
        done = shop.replay(corrected="_dataflow_row,amount\n1,5.00\n")

        assert [1, 2, 3, 4] == shop.loaded(), done


def test_a_run_that_was_cleared_when_no_check_was_left_gets_its_rows_back_into_what_it_ingested_then(shop: Shop):
    source = {"type": "file", "format": "csv", "path": "orders.csv", "columns": COLUMNS}
    contract = {"sources": {"orders": {**source, "schema_contract": {"data_type": "quarantine"}}}}
    shop.run(POSITIVE, orders=ORDERS.replace("-5.00", "five"), config=contract)
    shop.write(orders=ORDERS.replace("-5.00", "five"), config={**contract, "validate": {}})
    workflow = shop.project.workflow("shop")
    cleared = resume_from(shop.history, workflow, step="ingest", window=None)
    run_workflow(workflow, settings=shop.settings, earlier=cleared)
    assert [1, 3, 4] == shop.loaded()

    shop.replay(corrected="_dataflow_row,amount\n1,5.00\n")

    assert [1, 2, 3, 4] == shop.loaded() == shop.published()


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


def test_a_correction_is_read_with_the_number_format_of_the_file(shop: Shop):
    orders = "order_id;status;amount\n1;new;1.000,5\n2;lost;five\n"
    shop.run({"not_null": "order_id"}, orders=orders, config=numbers_with_a_comma("DOUBLE"))

    shop.replay(corrected="_dataflow_row,amount\n1,1.234\n")

    assert [(1, 1000.5), (2, 1234.0)] == shop.loaded("order_id, amount")


def numbers_with_a_comma(kind: str) -> dict[str, Any]:
    source = {"type": "file", "format": "csv", "path": "orders.csv", "columns": COLUMNS | {"amount": kind}}
    numbers = {"options": {"delim": ";", "thousands": ".", "decimal_separator": ","}}
    return {"sources": {"orders": {**source, **numbers, "schema_contract": {"data_type": "quarantine"}}}}


@pytest.mark.parametrize("kind", ["DECIMAL(18,3)", "DOUBLE"])
@pytest.mark.parametrize("suffix", ["ndjson", "parquet"])
def test_a_number_of_a_correction_is_that_number_and_a_text_is_as_the_source_writes_it(
    shop: Shop, suffix: str, kind: str
) -> None:
    given = {1: "1.234", 2: "0.5", 3: "12", 4: "'1.234'"} if suffix == "ndjson" else {1: "1.234", 2: "0.5", 3: "12"}
    orders = "order_id;status;amount\n" + "".join(f"{number};new;bad\n" for number in given)
    shop.run({"row_count": {"min": 0}}, orders=orders, config=numbers_with_a_comma(kind))
    (record,) = shop.records()
    file = shop.project.root / f"corrected.{suffix}"
    if suffix == "ndjson":
        lines = (f'{{"_dataflow_row": {row}, "amount": {value}}}\n' for row, value in given.items())
        file.write_text("".join(lines).replace("'", '"'))
    else:
        rows = ", ".join(f"({row}, {value})" for row, value in given.items())
        duckdb.sql(f"select * from (values {rows}) as t(_dataflow_row, amount)").write_parquet(str(file))

    replay(shop.project.workflow("shop"), [record], settings=shop.settings, corrected=file)

    expected = [(1, Decimal("1.234")), (2, Decimal("0.5")), (3, Decimal(12)), (4, Decimal(1234))]
    found = shop.loaded("order_id, cast(amount as DECIMAL(18,3))")
    assert expected[: len(given)] == found


def test_a_number_of_a_correction_keeps_every_digit(shop: Shop) -> None:
    source = {"type": "file", "format": "csv", "path": "orders.csv", "columns": COLUMNS | {"amount": "DECIMAL(38,10)"}}
    contract = {"sources": {"orders": {**source, "schema_contract": {"data_type": "quarantine"}}}}
    shop.run({"row_count": {"min": 0}}, orders="order_id,status,amount\n1,new,bad\n", config=contract)
    (record,) = shop.records()
    line = '{"_dataflow_row": 1, "status": 1.10, "amount": 12345678901234567890.5}\n'
    file = shop.project.write_file("corrected.ndjson", line)

    replay(shop.project.workflow("shop"), [record], settings=shop.settings, corrected=file)

    assert [("1.10", Decimal("12345678901234567890.5"))] == shop.loaded("status, amount")


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_what_nobody_corrected_comes_back_as_it_was_written(shop: Shop, suffix: str):
    texts = ["00:12", "", "2024-01-01T10:00:00+02:00", "5"]
    orders = "order_id,status,amount\n" + "".join(f'{n},"{text}",-1\n' for n, text in enumerate(texts, start=1))
    source = {"type": "file", "format": "csv", "path": "orders.csv", "columns": COLUMNS}
    quoted = {"sources": {"orders": {**source, "options": {"allow_quoted_nulls": False}}}}
    shop.run(POSITIVE, {"row_count": {"min": 0}}, orders=orders, config=quoted)
    (record,) = shop.records()
    rows = [{"_dataflow_row": n, "order_id": n, "status": text, "amount": 2} for n, text in enumerate(texts, start=1)]
    if suffix == "csv":
        given = "_dataflow_row,status,amount\n" + "".join(f'{n},"{text}",2\n' for n, text in enumerate(texts, start=1))
    else:
        given = "".join(json.dumps(row) + "\n" for row in rows)
    file = shop.project.write_file(f"corrected.{suffix}", given)

    replay(shop.project.workflow("shop"), [record], settings=shop.settings, corrected=file)

    assert texts == [row[1] for row in shop.loaded("order_id, status")]


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
    shop.run(POSITIVE, orders=BY_DAY, config=INCREMENTAL, window=Interval(day(1).start, day(2).end))
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


# Runs beside it


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
