"""Runs that are cleared after a replay, or before it: each row is there once."""

from __future__ import annotations

import pytest

from dataflow.runtime.local.resume import resume_from
from dataflow.runtime.local.run import run_workflow
from kit.shop import (
    APPENDED,
    COLUMNS,
    CORRECTED,
    MERGED,
    ORDERS,
    POSITIVE,
    Shop,
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
