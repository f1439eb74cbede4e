"""Values that are not of their column's type, by `schema_contract.data_type`."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from dataflow.errors import ContractError
from kit.contracts import COLUMNS, csv, refused
from kit.ingest import ingest_source, landed

BAD = "id,amount\n1,1.50\n2,abc\n3,\nx,4\n"


@pytest.mark.parametrize("contract", [None, "freeze", {"data_type": "freeze"}, {"columns": "evolve"}])
def test_a_value_that_does_not_fit_fails_the_run_under_freeze_and_where_nothing_is_said(tmp_path: Path, contract: Any):
    (tmp_path / "orders.csv").write_text(BAD)

    told = refused(tmp_path, csv(contract))

    assert (
        "orders.csv: row 4: column \"id\": 'x' is not a BIGINT; mend the data or declare another type" == told
        or "orders.csv: line 3: column \"amount\": 'abc' is not a DECIMAL(12,2)" in told
    )


def test_a_value_that_does_not_fit_becomes_null_under_discard_value(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "orders.csv").write_text(BAD)

    with caplog.at_level(logging.WARNING):
        manifest = ingest_source(tmp_path, csv({"data_type": "discard_value"}))

    assert [(1, "1.50"), (2, None), (3, None), (None, "4.00")] == landed(manifest, "id, cast(amount as varchar)")
    assert (4, 0, 4) == (manifest.rows, manifest.discarded_rows, manifest.rows_read)
    assert "orders: column \"amount\": 'abc' is not a DECIMAL(12,2); 1 value landed as NULL" in caplog.messages


def test_a_row_with_a_value_that_does_not_fit_is_left_out_under_discard_row(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "orders.csv").write_text(BAD)

    with caplog.at_level(logging.WARNING):
        manifest = ingest_source(tmp_path, csv({"data_type": "discard_row"}))

    assert [(1,), (3,)] == landed(manifest, "id")
    assert (2, 2, 4) == (manifest.rows, manifest.discarded_rows, manifest.rows_read)
    assert "orders: column \"id\": 'x' is not a BIGINT; 1 row left out" in caplog.messages
    assert "left out 2 rows that break the schema_contract" in caplog.messages


def test_a_value_that_does_not_fit_is_landed_beside_its_column_under_evolve(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id,amount\n1,1.50\n2,abc\n")

    manifest = ingest_source(tmp_path, csv({"data_type": "evolve"}))

    assert {"id": "BIGINT", "amount": "DECIMAL(12,2)", "amount__text": "VARCHAR"} == manifest.data_columns
    assert [(1, None), (2, "abc")] == landed(manifest, "id, amount__text")


@pytest.mark.parametrize("kind", ["BIGINT[]", "STRUCT(a BIGINT)", "MAP(VARCHAR, BIGINT)"])
def test_a_nested_value_that_does_not_fit_is_landed_beside_its_column(tmp_path: Path, kind: str):
    (tmp_path / "a.ndjson").write_text('{"id": "x", "more": "1"}\n{"id": null}\n{"id": "{}{"}\n')
    source = {"type": "file", "format": "ndjson", "path": "a.ndjson", "columns": {"id": kind}}

    manifest = ingest_source(tmp_path, {**source, "schema_contract": "evolve"})

    assert [(None, "x"), (None, None), (None, "{}{")] == landed(manifest, "id, id__text")


def test_no_column_is_added_under_evolve_while_everything_fits(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id,amount\n1,1.50\n")

    assert COLUMNS == ingest_source(tmp_path, csv("evolve")).data_columns


def test_what_does_not_fit_is_not_landed_in_a_column_that_is_there_already(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id,amount,Amount__text\n1,abc,x\n")

    told = refused(tmp_path, csv("evolve"))

    assert 'column "amount": what does not fit would be landed in "Amount__text", which is there already' in told


def test_lines_without_as_many_fields_as_the_header_fail_the_run_whatever_the_contract(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id,amount\n1,2\n3\n")

    assert "1 fields where the header has 2" in refused(tmp_path, csv("discard_row"))


@pytest.mark.parametrize("mode", ["discard_value", "discard_row", "evolve"])
def test_what_fits_is_landed_alike_whether_or_not_another_row_does_not(tmp_path: Path, mode: str):
    columns = {
        "n": "BIGINT",
        "day": "DATE",
        "at": "TIMESTAMP",
        "zoned": "TIMESTAMPTZ",
        "list": "BIGINT[]",
        "flag": "BOOLEAN",
        "json": "JSON",
        "price": "DECIMAL(6,1)",
    }
    good = {
        "n": "7.0",
        "day": "2025-01-02",
        "at": "2025-01-02 10:00:00",
        "zoned": "2025-01-02T10:00:00+02:00",
        "list": [1, 2],
        "flag": True,
        "json": {"a": None},
        "price": 12.30,
    }
    nothing = dict.fromkeys(columns)
    (tmp_path / "a.ndjson").write_text("\n".join(map(json.dumps, [good, nothing, {**nothing, "list": "null"}])))
    (tmp_path / "b.ndjson").write_text(json.dumps({**nothing, "n": "1.5"}))
    source = {"type": "file", "format": "ndjson", "columns": columns, "schema_contract": {"data_type": mode}}

    strict = landed(ingest_source(tmp_path, {**source, "path": "a.ndjson"}))
    lenient = landed(ingest_source(tmp_path, {**source, "path": "*.ndjson"}))

    assert 3 == len(strict)
    assert strict == [row[: len(columns)] for row in lenient[:3]]


@pytest.mark.parametrize("mode", ["freeze", "discard_value", "discard_row", "evolve"])
def test_values_of_a_sensitive_column_are_in_no_message(tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str):
    (tmp_path / "a.csv").write_text("id,amount\n1,hunter2\n")
    columns = {"id": "BIGINT", "amount": {"type": "BIGINT", "sensitive": True}}
    told = ""

    with caplog.at_level(logging.DEBUG):
        if mode == "freeze":
            with pytest.raises(ContractError) as caught:
                ingest_source(tmp_path, csv(mode, columns))
            told = str(caught.value)
            assert caught.value.__suppress_context__
        else:
            ingest_source(tmp_path, csv(mode, columns))

    assert 'column "amount": *** is not a BIGINT' in told + caplog.text
    assert "hunter2" not in told + caplog.text
