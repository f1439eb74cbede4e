"""Columns that come undeclared or do not come, by `schema_contract.columns`."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kit.contracts import COLUMNS, csv, refused
from kit.ingest import ingest_source, landed


def test_an_undeclared_column_is_landed_as_text_under_evolve(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "a.csv").write_text("id,amount,note\n1,2,007\n")
    (tmp_path / "b.csv").write_text("id,amount\n2,3\n")

    with caplog.at_level(logging.WARNING):
        manifest = ingest_source(tmp_path, csv({"columns": "evolve"}))

    assert {**COLUMNS, "note": "VARCHAR"} == manifest.data_columns
    assert [(1, "007"), (2, None)] == landed(manifest, "id, note")
    assert 'a.csv: landed "note" too, not declared in `columns`' in caplog.messages


def test_an_undeclared_key_of_json_is_landed_as_text_under_evolve(tmp_path: Path):
    records: list[dict[str, Any]] = [{"id": 1}] * 2000 + [{"id": 2, "late": 1.50, "deep": {"a": [1]}}]
    (tmp_path / "a.json").write_text(json.dumps(records))
    source = {"type": "file", "format": "json", "path": "a.json", "columns": {"id": "BIGINT"}}

    manifest = ingest_source(tmp_path, {**source, "schema_contract": {"columns": "evolve"}})

    assert {"id": "BIGINT", "late": "VARCHAR", "deep": "VARCHAR"} == {
        name: manifest.data_columns[name] for name in ("id", "late", "deep")
    }
    assert (2, "1.5", '{"a":[1]}') == landed(manifest, "id, late, deep")[-1]


def test_an_undeclared_column_of_parquet_keeps_its_type_under_evolve(tmp_path: Path):
    pq.write_table(pa.table({"id": [1], "day": [datetime(2025, 1, 1, tzinfo=UTC).date()]}), tmp_path / "a.parquet")
    source = {"type": "file", "format": "parquet", "path": "a.parquet", "columns": {"id": "BIGINT"}}

    manifest = ingest_source(tmp_path, {**source, "schema_contract": {"columns": "evolve"}})

    assert {"id": "BIGINT", "day": "DATE"} == manifest.data_columns


def test_an_undeclared_column_of_a_function_keeps_its_type_under_evolve(tmp_path: Path):
    source = {"type": "python", "columns": {"id": "BIGINT"}, "schema_contract": {"columns": "evolve"}}
    rows = [{"id": 1}, {"id": 2, "n": 3, "more": {"a": 1}, "never": None}]

    manifest = ingest_source(tmp_path, source, rows=lambda: rows)

    assert {"id": "BIGINT", "n": "BIGINT", "more": "JSON", "never": "VARCHAR"} == manifest.data_columns
    assert [(1, None), (2, 3)] == landed(manifest, "id, n")


@pytest.mark.parametrize("contract", ["freeze", {"columns": "freeze", "data_type": "discard_row"}])
def test_an_undeclared_column_fails_the_run_under_freeze(tmp_path: Path, contract: Any):
    (tmp_path / "a.csv").write_text("id,amount,note\n1,2,x\n")

    told = refused(tmp_path, csv(contract))

    assert (
        'a.csv: "note" not declared in `columns`, and the schema_contract freezes them; '
        "declare what came, or loosen the contract" == told
    )


def test_rows_with_a_value_in_an_undeclared_column_are_left_out_under_discard_row(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "a.csv").write_text("id,amount,note\n1,2,\n2,2,x\n")
    (tmp_path / "b.csv").write_text("id,amount\n3,3\n")

    with caplog.at_level(logging.WARNING):
        manifest = ingest_source(tmp_path, csv({"columns": "discard_row"}))

    assert [(1,), (3,)] == landed(manifest, "id")
    assert COLUMNS == manifest.data_columns
    assert 1 == manifest.discarded_rows
    assert "orders: column \"note\": 'x' is not declared in `columns`; 1 row left out" in caplog.messages


def test_rows_of_a_function_with_an_undeclared_value_are_left_out_under_discard_row(tmp_path: Path):
    source = {"type": "python", "columns": {"id": "BIGINT"}, "schema_contract": {"columns": "discard_row"}}

    manifest = ingest_source(tmp_path, source, rows=lambda: [{"id": 1, "x": None}, {"id": 2, "x": 1}, {"id": None}])

    assert [(1,), (None,)] == landed(manifest, "id")
    assert 1 == manifest.discarded_rows


@pytest.mark.parametrize("contract", [None, "freeze", "discard_value", "discard_row"])
def test_a_declared_column_that_does_not_come_fails_the_run_but_under_evolve(tmp_path: Path, contract: Any):
    (tmp_path / "a.csv").write_text("id\n1\n")

    assert 'a.csv: no column "amount"; found "id"' in refused(tmp_path, csv(contract))


def test_a_declared_column_that_does_not_come_is_null_under_evolve(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "a.csv").write_text("id\n1\n")

    with caplog.at_level(logging.WARNING):
        manifest = ingest_source(tmp_path, csv({"columns": "evolve"}))

    assert COLUMNS == manifest.data_columns
    assert [(1, None)] == landed(manifest)
    assert ("amount",) == manifest.absent
    assert 'a.csv: no column "amount"; it is NULL in these rows' in caplog.messages


def test_names_that_a_table_cannot_have_side_by_side_are_told(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,amount,ID\n1,2,3\n")

    assert 'a.csv: no table has both "id" and "ID"' in refused(tmp_path, csv("evolve"))
    assert 'a.csv: no table has both "id" and "ID"' in refused(tmp_path, csv("discard_row"))


def test_a_column_without_a_name_is_not_landed(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "a.csv").write_text("id,amount,\n1,2,\n")

    with caplog.at_level(logging.WARNING):
        manifest = ingest_source(tmp_path, csv("evolve"))

    assert COLUMNS == manifest.data_columns
    assert "a.csv: left out a column that has no name" in caplog.messages
