"""Rows that a replay cannot put back: the person who typed it learns why, and what to do."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from kit.program import Program
from kit.project import Project
from kit.shop import ORDERS, POSITIVE, Shop


@pytest.fixture
def shop(project: Project) -> Shop:
    shop = Shop(project)
    shop.run(POSITIVE)
    return shop


def corrected(shop: Shop, text: str) -> tuple[str, str]:
    return "--corrected", str(shop.project.write_file("mended.csv", text))


def test_rows_that_fail_again_are_told_with_their_reasons_and_end_with_1(shop: Shop, dataflow: Program):
    answer = dataflow("quarantine", "replay", "1", *corrected(shop, "_dataflow_row,amount\n1,5\n2,-3\n"))

    assert 1 == answer.code
    assert "1 row replayed, 1 failed again" in answer.out
    assert "2: range_amount: amount is below 0 in 1 of 4 rows (1 row)" in answer.err
    assert [1, 2, 4] == shop.published()


def renamed(**columns: str) -> dict[str, Any]:
    declared = {"order_id": "BIGINT", "status": "VARCHAR", **columns}
    return {"sources": {"orders": {"type": "file", "format": "csv", "path": "orders.csv", "columns": declared}}}


def test_a_corrected_column_that_was_renamed_since_is_called_as_it_was(shop: Shop, dataflow: Program):
    answer = dataflow("quarantine", "replay", "1", *corrected(shop, "_dataflow_row,betrag\n1,5\n"))

    assert 2 == answer.code
    assert "no column 'betrag' (there are: order_id, status, amount)" in answer.err
    assert "called as they were when the rows were set aside" in answer.err


def test_rows_that_no_check_can_judge_since_their_column_was_renamed_are_to_be_read_again(
    shop: Shop, dataflow: Program
):
    check = POSITIVE | {"range": {"column": "betrag", "min": 0}}
    shop.write(check, orders=ORDERS.replace("amount", "betrag"), config=renamed(betrag="DECIMAL(12,2)"))

    answer = dataflow("quarantine", "replay", "1")

    assert 2 == answer.code
    assert "landed before column betrag was declared" in answer.err
    assert "run the window again from ingest" in answer.err


def test_a_run_that_goes_on_takes_no_batch_that_lacks_a_column_declared_since(shop: Shop, dataflow: Program):
    config = renamed(amount="DECIMAL(12,2)", z="VARCHAR")
    shop.write(POSITIVE, orders=ORDERS.replace("\n", ",z\n"), config=config)

    for step in ("transform", "validate"):
        answer = dataflow("workflow", "run", "shop", "--live", "--from-step", step)
        assert 2 == answer.code
        assert "its batch was landed before column z was declared; run from ingest" in answer.out + answer.err

    assert 0 == dataflow("workflow", "run", "shop", "--live", "--from-step", "ingest").code
    assert ["z", "z"] == shop.loaded("z")


def test_rows_come_back_into_a_batch_from_before_a_column_was_declared(shop: Shop, dataflow: Program):
    shop.write(POSITIVE, config=renamed(amount="DECIMAL(12,2)", z="VARCHAR"))

    answer = dataflow("quarantine", "replay", "1", *corrected(shop, "_dataflow_row,amount\n1,5\n2,1\n"))

    assert 0 == answer.code, answer.err
    assert [1, 2, 3, 4] == shop.published()


def test_a_list_a_struct_and_a_map_go_to_csv_and_come_back(project: Project, dataflow: Program):
    nested = "['a', 'b, c'] as tags, {'x': 1.50, 'y': null::int} as place, map {'k': 2} as counts"
    rows = f"select unnest([1, 2]) as order_id, unnest([-5, 3]) as amount, {nested}"
    columns = {"order_id": "BIGINT", "amount": "BIGINT", "tags": "VARCHAR[]"}
    columns |= {"place": "STRUCT(x DECIMAL(5,2), y INTEGER)", "counts": "MAP(VARCHAR, INTEGER)"}
    source = {"type": "file", "format": "parquet", "path": "orders.parquet", "columns": columns}
    shop = Shop(project)
    shop.write(POSITIVE, config={"sources": {"orders": source}})
    duckdb.sql(rows).write_parquet(str(project.root / "include" / "workflows" / "shop" / "orders.parquet"))
    assert None is shop.run().error
    file = project.root / "bad.csv"
    dataflow("quarantine", "show", "1", "--write", str(file))
    file.write_text(file.read_text().replace(",-5,", ",5,"))

    answer = dataflow("quarantine", "replay", "1", "--corrected", str(file), "--json")

    assert 0 == answer.code, answer.err
    (told,) = json.loads(answer.out)
    assert (1, 0, "success") == (told["replayed"], told["failed_again"], told["status"])
    put_back, left = shop.loaded("order_id, tags, place.x::double, place.y, counts['k']")
    assert put_back[1:] == left[1:] == (["a", "b, c"], 1.5, None, 2)


def test_what_was_left_out_of_a_file_is_named_as_the_record_has_it(shop: Shop, dataflow: Program):
    sensitive: Any = {"type": "VARCHAR", "sensitive": True}
    config = renamed(amount="DECIMAL(12,2)")
    config["sources"]["orders"]["columns"]["status"] = sensitive
    shop.write(POSITIVE, config=config)

    answer = dataflow("quarantine", "show", "1", "--write", "bad.csv")

    assert "wrote 2 rows to bad.csv, without status: what is not there stays as it is" in " ".join(answer.out.split())
