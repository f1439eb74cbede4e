"""Rows that break a contract and are set aside, whole, with rule and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataflow.errors import TransientError
from dataflow.sources.request import SetAside
from kit.contracts import Aside, csv
from kit.ingest import ingest_source, landed


def test_rows_that_do_not_fit_are_set_aside_whole_under_quarantine(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,amount\n1,1.50\n2,abc\nx,y\n")
    (tmp_path / "b.csv").write_text("amount,id,note\n5,5,\nz,6,n\n,7,n\n")
    aside = Aside()

    manifest = ingest_source(tmp_path, csv("quarantine"), set_aside=aside)

    assert [(1,), (5,)] == landed(manifest, "id")
    assert (2, 0, 4, 6) == (
        manifest.rows,
        manifest.discarded_rows,
        manifest.quarantined_rows,
        manifest.rows_read,
    )
    data_type, columns = "schema_contract.data_type", "schema_contract.columns"
    assert [
        ("2", "abc", None, [data_type], ["a.csv: row 2: column \"amount\": 'abc' is not a DECIMAL(12,2)"]),
        (
            "x",
            "y",
            None,
            [data_type],
            ["a.csv: row 3: column \"id\": 'x' is not a BIGINT; column \"amount\": 'y' is not a DECIMAL(12,2)"],
        ),
        (
            "6",
            "z",
            "n",
            [data_type, columns],
            [
                "b.csv: row 2: column \"amount\": 'z' is not a DECIMAL(12,2)",
                "b.csv: row 2: column \"note\": 'n' is not declared in `columns`",
            ],
        ),
        ("7", None, "n", [columns], ["b.csv: row 3: column \"note\": 'n' is not declared in `columns`"]),
    ] == [tuple(row.values()) for row in map(_in_order, aside.rows)]


def _in_order(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in ("id", "amount", "note", "_dataflow_rules", "_dataflow_reasons")}


def test_numbers_with_separators_of_their_own_are_set_aside_as_the_file_has_them(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id;amount\n1.000;1.5x\n2;1.5\n")
    aside = Aside()
    options = {"delim": ";", "thousands": ".", "decimal_separator": ","}

    ingest_source(tmp_path, csv("quarantine", options=options), set_aside=aside)

    assert [
        ("1.000", "1.5x", ["a.csv: row 1: column \"amount\": '1.5x' is not a DECIMAL(12,2)"]),
        ("2", "1.5", ["a.csv: row 2: column \"amount\": '1.5' is not a DECIMAL(12,2)"]),
    ] == [(row["id"], row["amount"], row["_dataflow_reasons"]) for row in aside.rows]


def test_what_an_earlier_try_set_aside_is_over_when_all_fits(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,amount\n1,1.50\n")
    aside = Aside()

    ingest_source(tmp_path, csv("quarantine"), set_aside=aside)

    assert (1, []) == (aside.calls, aside.rows)


def test_a_sensitive_value_is_in_no_reason_and_yet_in_its_row(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,amount\n1,hunter2\n")
    aside = Aside()

    ingest_source(
        tmp_path,
        csv("quarantine", {"id": "BIGINT", "amount": {"type": "BIGINT", "sensitive": True}}),
        set_aside=aside,
    )

    assert "hunter2" == aside.rows[0]["amount"]
    assert ['a.csv: row 1: column "amount": *** is not a BIGINT'] == aside.rows[0]["_dataflow_reasons"]


def test_values_of_parquet_are_set_aside_as_the_text_that_json_has_for_them(tmp_path: Path):
    pq.write_table(pa.table({"id": [1.5, 2.0], "deep": [{"a": [1]}, None]}), tmp_path / "a.parquet")
    source = {"type": "file", "format": "parquet", "path": "a.parquet", "columns": {"id": "BIGINT", "deep": "JSON"}}
    aside = Aside()

    manifest = ingest_source(tmp_path, {**source, "schema_contract": {"data_type": "quarantine"}}, set_aside=aside)

    assert [(2,)] == landed(manifest, "id")
    assert ("1.5", '{"a":[1]}') == (aside.rows[0]["id"], aside.rows[0]["deep"])


def test_files_that_change_while_they_are_read_are_read_again(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,amount\n1,abc\n")

    def change(*_: object) -> SetAside:
        (tmp_path / "a.csv").write_text("id,amount\n1,2\n2,3\n")
        return SetAside(1)

    with pytest.raises(TransientError, match="its files were changed while they were read"):
        ingest_source(tmp_path, csv("quarantine"), set_aside=change)
    assert not list(tmp_path.glob("landing/**/*.*"))


def test_a_reason_names_the_option_that_would_read_the_value(tmp_path: Path):
    (tmp_path / "a.csv").write_text('id,amount\n1,"1,50"\n2,abc\nN/A,1\n')
    aside = Aside()

    ingest_source(tmp_path, csv("quarantine"), set_aside=aside)

    assert [
        ['a.csv: row 1: column "amount": \'1,50\' is not a DECIMAL(12,2) (set `options: {decimal_separator: ","}`)'],
        ["a.csv: row 2: column \"amount\": 'abc' is not a DECIMAL(12,2)"],
        ['a.csv: row 3: column "id": \'N/A\' is not a BIGINT (set `options: {nullstr: ["", "N/A"]}`)'],
    ] == [row["_dataflow_reasons"] for row in aside.rows]
