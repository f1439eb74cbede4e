"""A row that was corrected once is not set aside again when the next run reads it as bad as it was."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.interval import Interval
from dataflow.landing.manifest import part_paths, read_manifest
from dataflow.ops.reading import read_run
from dataflow.quarantine.corrections import forget_correction, list_corrections
from dataflow.runtime.local.resume import resume_from
from dataflow.runtime.local.run import run_workflow
from kit.project import Project
from kit.shop import APPENDED, BY_DAY, COLUMNS, CORRECTED, MERGED, ORDERS, POSITIVE, Shop, day

AMOUNTS = [(1, 10), (2, 5), (3, 1), (4, 7)]
LOADS: dict[str, Any] = {
    "replace": {},
    "merge": MERGED,
}
CONTRACT = {
    "sources": {
        "orders": {
            "type": "file",
            "format": "csv",
            "path": "orders.csv",
            "columns": COLUMNS,
            "schema_contract": {"data_type": "quarantine"},
        }
    }
}
WORDS = ORDERS.replace("-5.00", "five").replace("-1.00", "one")


@pytest.fixture
def shop(shop_anywhere: Shop) -> Shop:
    return shop_anywhere


def amounts(shop: Shop) -> list[tuple[int, int]]:
    return shop.loaded("order_id, floor(amount)::int")


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
@pytest.mark.parametrize(("orders", "config"), [(ORDERS, {}), (WORDS, CONTRACT)], ids=["by a check", "by the contract"])
def test_the_next_run_that_reads_the_same_bad_rows_keeps_their_corrections(shop: Shop, load, orders, config):
    shop.run(POSITIVE, orders=orders, config=config | load)
    shop.replay(corrected=CORRECTED)

    again = shop.run()

    assert ("success", None) == (again.status, again.error)
    assert AMOUNTS == amounts(shop)
    assert [] == shop.records()
    assert [1, 2, 3, 4] == shop.published()


def test_the_run_says_that_it_corrected_rows_and_which_correction_that_was(shop: Shop):
    shop.run(POSITIVE)
    shop.replay(corrected=CORRECTED)

    run = shop.run()

    (kept,) = list_corrections(shop.history, workflow="shop")
    assert (2, run.run_id) == (kept.rows, kept.used_by)
    (told,) = [each for each in read_run(shop.history, run.run_id).anomalies if each["category"] == "CORRECTED"]
    assert told["message"].startswith("orders: 2 rows were as bad as before, and corrected as before")
    assert "info" == told["severity"]


def test_a_row_that_is_bad_in_another_way_waits_anew(shop: Shop):
    shop.run(POSITIVE)
    shop.replay(corrected=CORRECTED)

    shop.run(POSITIVE, orders=ORDERS.replace("-5.00", "-6.00"))

    assert [(1, 10), (3, 1), (4, 7)] == amounts(shop)
    assert [(2, Decimal("-6.00"))] == shop.quarantined("order_id, amount")


def test_a_row_that_its_source_put_right_is_loaded_as_it_comes(shop: Shop):
    shop.run(POSITIVE)
    shop.replay(corrected=CORRECTED)

    shop.run(POSITIVE, orders=ORDERS.replace("-5.00", "6.00"))

    assert [(1, 10), (2, 6), (3, 1), (4, 7)] == amounts(shop)


def test_a_correction_that_no_longer_passes_leaves_the_row_in_quarantine_as_it_came(shop: Shop):
    shop.run(POSITIVE)
    shop.replay(corrected=CORRECTED)

    shop.run(POSITIVE | {"range": {"column": "amount", "min": 2}})

    assert [(1, 10), (2, 5), (4, 7)] == amounts(shop)
    assert [(3, Decimal("-1.00"))] == shop.quarantined("order_id, amount")


def test_a_correction_whose_row_is_refused_again_was_come_upon_all_the_same(shop: Shop):
    shop.run(POSITIVE)
    shop.replay(corrected=CORRECTED)

    run = shop.run(POSITIVE | {"range": {"column": "amount", "min": 100}})

    (kept,) = list_corrections(shop.history)
    assert run.run_id == kept.used_by


def test_a_correction_that_is_forgotten_is_made_no_longer(shop: Shop):
    shop.run(POSITIVE)
    shop.replay(corrected=CORRECTED)
    (kept,) = list_corrections(shop.history)

    forget_correction(shop.history, kept.id)
    shop.run()

    assert [1, 4] == shop.loaded()
    assert [(2,), (3,)] == shop.quarantined()


def test_rows_that_passed_without_a_correction_are_nothing_to_remember(shop: Shop):
    shop.run(POSITIVE)
    shop.write({"range": {"column": "amount", "min": -100}, "on_fail": "quarantine"})
    shop.replay()

    assert [] == list_corrections(shop.history)


def test_a_row_that_was_corrected_in_two_goes_is_known_by_what_it_was_at_first(shop: Shop):
    shop.run(POSITIVE)
    shop.replay(corrected="_dataflow_row,status,amount\n1,again,-4.00\n2,paid,1.00\n")
    shop.replay(corrected="_dataflow_row,amount\n1,5.00\n")

    shop.run()

    assert [(1, "new", 10), (2, "again", 5), (3, "paid", 1), (4, "paid", 7)] == shop.loaded(
        "order_id, status, floor(amount)::int"
    )
    assert [] == shop.records()


def test_two_rows_that_are_the_same_and_became_different_ones_wait_anew(shop: Shop):
    twice = "order_id,status,amount\n1,new,10.00\n2,lost,-5.00\n2,lost,-5.00\n"
    shop.run(POSITIVE, orders=twice)
    shop.replay(corrected="_dataflow_row,order_id,amount\n1,2,5.00\n2,3,5.00\n")
    assert [1, 2, 3] == shop.loaded()

    shop.run()

    assert [1] == shop.loaded()
    assert [(2,), (2,)] == shop.quarantined()


def test_too_many_bad_rows_are_not_too_many_once_they_are_known(shop: Shop):
    few = POSITIVE | {"max_failures": 2}
    shop.run(few)
    shop.replay(corrected=CORRECTED)

    more = shop.run(few, orders=ORDERS + "5,new,-3.00\n")

    assert "success" == more.status, more.error
    assert AMOUNTS == amounts(shop)
    assert [(5,)] == shop.quarantined()


# Which rows are the same

WITH_LAG = {"incremental": {"cursor": "at", "lag": "1d"}, "schedule": "@daily"}
NEWEST = {"load": {"orders": {"mode": "merge", "key": "order_id", "newest_by": "at"}}}


@pytest.mark.parametrize("load", [APPENDED, NEWEST], ids=["append", "merge"])
def test_what_a_lag_reads_again_keeps_its_corrections(shop: Shop, load):
    shop.run(POSITIVE, orders=BY_DAY, config=WITH_LAG | load, window=day(1))
    shop.replay(corrected="_dataflow_row,amount\n1,5\n")

    shop.run(window=day(1, 2))

    assert [(1, 10), (2, 5), (3, 1)] == amounts(shop)
    assert [(4,)] == shop.quarantined()


def with_a_bad_cursor_corrected(shop: Shop) -> None:
    """Correct a row of the first day of which nobody could say when it was; its file is read whole each day."""
    orders = BY_DAY.replace("2025-01-01T20:00", "yesterday")
    source = CONTRACT["sources"]["orders"] | {"columns": COLUMNS | {"at": "TIMESTAMP"}}
    config = WITH_LAG | APPENDED | {"sources": {"orders": source}}
    shop.run({"not_null": "order_id"}, orders=orders, config=config, window=day(1))
    (done,) = shop.replay(corrected="_dataflow_row,at\n1,2025-01-01T20:00\n")
    assert 1 == done.passed


def test_a_row_whose_cursor_was_corrected_stays_with_the_run_that_it_belongs_to(shop: Shop):
    with_a_bad_cursor_corrected(shop)

    shop.run(window=day(2))

    assert [1, 2, 3, 4] == shop.loaded()
    assert [] == shop.records()


def test_a_correction_whose_row_belongs_to_another_run_was_come_upon_all_the_same(shop: Shop):
    with_a_bad_cursor_corrected(shop)

    run = shop.run(window=day(2))

    (kept,) = list_corrections(shop.history)
    assert run.run_id == kept.used_by


def test_a_row_that_a_correction_puts_outside_of_the_range_is_counted_as_cut(shop: Shop):
    shop.run(POSITIVE, orders=BY_DAY, config=WITH_LAG | APPENDED, window=day(1))
    shop.replay(corrected="_dataflow_row,amount,at\n1,5,2025-01-01T02:00\n")

    run = shop.run(window=Interval(datetime(2025, 1, 1, 12, tzinfo=UTC), datetime(2025, 1, 3, tzinfo=UTC)))

    uris = {each.stage: each.uri or "" for each in read_run(shop.history, run.run_id).stages}
    landed, left = read_manifest(uris["INGESTED"]), read_manifest(uris["VALIDATED"])
    assert (3, 1) == (landed.rows, landed.cut_rows)
    assert (1, 2) == (left.rows, left.cut_rows)
    assert [(4,)] == shop.quarantined()


def test_where_each_read_is_appended_a_row_that_looks_the_same_is_another_one(shop: Shop):
    shop.run(POSITIVE, config=APPENDED)
    shop.replay(corrected=CORRECTED)

    shop.run()

    assert Counter({1: 2, 2: 1, 3: 1, 4: 2}) == Counter(shop.loaded())
    assert [(2,), (3,)] == shop.quarantined()


@pytest.mark.parametrize("step", ["ingest", "validate"])
def test_a_run_that_is_cleared_keeps_the_corrections_of_its_rows(shop: Shop, step: str):
    shop.run(POSITIVE, config=APPENDED)
    shop.replay(corrected=CORRECTED)
    workflow = shop.project.workflow("shop")

    run_workflow(workflow, settings=shop.settings, earlier=resume_from(shop.history, workflow, step=step, window=None))

    assert AMOUNTS == amounts(shop)
    assert [] == shop.records()


# Whatever comes in whatever order

ROWS = st.lists(st.tuples(st.integers(1, 4), st.integers(-3, 3)), max_size=5, unique_by=lambda row: row[0])
STEPS = st.lists(st.one_of(ROWS.map(lambda rows: ("run", rows)), st.just(("replay", None))), min_size=2, max_size=6)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_each_row_of_the_last_read_is_there_once_and_corrected_where_it_ever_was(tmp_path_factory, steps):
    shop = Shop(Project(Path(tmp_path_factory.mktemp("shop"))))
    corrected: set[tuple[int, int]] = set()
    last: list[tuple[int, int]] = []
    run_id = ""

    def waiting() -> list[tuple[int, int]]:
        """Give what the last run left out; an older one's rows are no longer of interest once it read them again."""
        records = [record for record in shop.records() if record.key.run_id == run_id]
        files = [file for record in records for file in part_paths(read_manifest(record.uri))]
        query = "SELECT order_id, amount::int FROM read_parquet(?)"
        return duckdb.execute(query, [files]).fetchall() if files else []

    for what, rows in [("run", [(1, -1), (2, 2)]), *steps]:
        if what == "run":
            last = rows
            text = "order_id,status,amount\n" + "".join(f"{key},new,{amount}\n" for key, amount in rows)
            run = shop.run(POSITIVE, orders=text)
            assert "success" == run.status
            run_id = run.run_id
        elif found := waiting():
            (record,) = [record for record in shop.records() if record.key.run_id == run_id]
            file = "".join(["_dataflow_row,amount\n", *(f"{n},9\n" for n in range(1, 1 + len(found)))])
            shop.replay(record, corrected=file)
            corrected |= set(found)

        expected = [(row[0], 9 if row in corrected else row[1]) for row in last if row[1] >= 0 or row in corrected]
        assert sorted(expected) == amounts(shop)
        assert sorted(row[0] for row in last) == sorted([*shop.loaded(), *(key for key, _ in waiting())])
