"""A row that was corrected stays the same row when a column of it is given a wider type."""

from __future__ import annotations

from typing import Any

import pytest

from dataflow.quarantine.corrections import list_corrections
from dataflow.quarantine.fingerprint import earlier_fingerprint
from dataflow.runtime.local.resume import resume_from
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.quarantine import corrected_file
from kit.shop import APPENDED, COLUMNS, CORRECTED, LIFTED, POSITIVE, Shop

AMOUNTS = [(1, 10), (2, 5), (3, 1), (4, 7)]


def amounts(shop: Shop) -> list[tuple[int, int]]:
    return shop.loaded("order_id, floor(amount)::int")


def typed(amount: str, **columns: str) -> dict[str, Any]:
    """Give a config whose orders have amounts of that type, and the columns besides."""
    declared = COLUMNS | {"amount": amount} | columns
    return {"sources": {"orders": {"type": "file", "format": "csv", "path": "orders.csv", "columns": declared}}}


@pytest.mark.parametrize("wider", ["DECIMAL(14,3)", "DECIMAL(38,10)", "DOUBLE"])
def test_a_correction_stays_when_its_column_is_given_a_wider_type(shop: Shop, wider: str):
    shop.run(POSITIVE)
    shop.replay(corrected=CORRECTED)

    shop.run(POSITIVE, config=typed(wider, order_id="HUGEINT"))

    assert AMOUNTS == amounts(shop)
    assert [] == shop.records()


def test_a_run_that_is_cleared_after_a_column_was_given_a_wider_type_loses_no_row(shop: Shop):
    shop.run(POSITIVE, config=APPENDED)
    shop.replay(corrected=CORRECTED)
    shop.write(POSITIVE, config=APPENDED | typed("DECIMAL(14,3)"))
    workflow = shop.project.workflow("shop")

    run_workflow(
        workflow, settings=shop.settings, earlier=resume_from(shop.history, workflow, step="ingest", window=None)
    )

    assert AMOUNTS == amounts(shop)
    assert [] == shop.records()


def test_a_row_that_nobody_corrected_is_nothing_to_remember_though_its_neighbour_was(shop: Shop):
    shop.run(POSITIVE)
    shop.write(LIFTED)

    shop.replay(corrected="_dataflow_row,amount\n1,5.00\n")

    (kept,) = list_corrections(shop.history)
    assert 1 == kept.rows
    assert [(1, 10), (2, 5), (3, -1), (4, 7)] == amounts(shop)


def test_a_correction_that_knows_its_rows_by_their_texts_is_made_still(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(corrected_file, "fingerprint", earlier_fingerprint)
        shop.run(POSITIVE)
        shop.replay(corrected=CORRECTED)

    shop.run()

    assert AMOUNTS == amounts(shop)
    assert [] == shop.records()
