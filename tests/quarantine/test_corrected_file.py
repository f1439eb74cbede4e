"""The file that corrects rows in quarantine: which rows it means, and how its values are read."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from dataflow.runtime.quarantine.replay import replay
from kit.shop import (
    COLUMNS,
    POSITIVE,
    Shop,
)


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
