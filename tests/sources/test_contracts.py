from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.errors import ContractError, TransientError
from dataflow.interval import Interval
from kit.ingest import ingest_source, landed

COLUMNS = {"id": "BIGINT", "amount": "DECIMAL(12,2)"}
BAD = "id,amount\n1,1.50\n2,abc\n3,\nx,4\n"


def csv(contract: Any, columns: Mapping[str, Any] = COLUMNS, **others: Any) -> dict[str, Any]:
    source = {"type": "file", "format": "csv", "path": "*.csv", "columns": columns, **others}
    return source if contract is None else {**source, "schema_contract": contract}


def refused(root: Path, source: dict[str, Any], **how: Any) -> str:
    with pytest.raises(ContractError) as caught:
        ingest_source(root, source, **how)
    assert not list(root.glob("landing/**/*.*"))
    return str(caught.value)


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
        "price": 12.34,
    }
    nothing = dict.fromkeys(columns)
    (tmp_path / "a.ndjson").write_text("\n".join(map(json.dumps, [good, nothing, {**nothing, "list": "null"}])))
    (tmp_path / "b.ndjson").write_text(json.dumps({**nothing, "n": "1.5"}))
    source = {"type": "file", "format": "ndjson", "columns": columns, "schema_contract": {"data_type": mode}}

    strict = landed(ingest_source(tmp_path, {**source, "path": "a.ndjson"}))
    lenient = landed(ingest_source(tmp_path, {**source, "path": "*.ndjson"}))

    assert 3 == len(strict)
    assert strict == [row[: len(columns)] for row in lenient[:3]]


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


RANGE = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))
MOVING = {"id": "BIGINT", "at": "TIMESTAMPTZ"}


def moving(mode: str) -> dict[str, Any]:
    return csv({"data_type": mode}, MOVING, incremental={"cursor": "at"})


def test_a_row_outside_of_the_range_is_nobodys_concern(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,at\n1,2025-01-01 10:00:00\nx,2025-01-05 10:00:00\ny,2025-01-01 11:00:00\n")

    manifest = ingest_source(tmp_path, moving("discard_row"), cursor=RANGE)

    assert (1, 1, 1) == (manifest.rows, manifest.cut_rows, manifest.discarded_rows)


@pytest.mark.parametrize("value", ["", "soon"])
def test_a_row_without_a_cursor_is_left_out_under_discard_row(tmp_path: Path, value: str):
    (tmp_path / "a.csv").write_text(f"id,at\n1,2025-01-01 10:00:00\n2,{value}\n")

    manifest = ingest_source(tmp_path, moving("discard_row"), cursor=RANGE)

    assert (1, 1) == (manifest.rows, manifest.discarded_rows)


@pytest.mark.parametrize("mode", ["discard_value", "evolve"])
def test_a_cursor_that_does_not_fit_fails_the_run_where_rows_have_to_stay(tmp_path: Path, mode: str):
    (tmp_path / "a.csv").write_text("id,at\n1,2025-01-01 10:00:00\n2,soon\n")

    assert "column \"at\": 'soon' is not a TIMESTAMP WITH TIME ZONE" in refused(tmp_path, moving(mode), cursor=RANGE)


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


@dataclass
class Aside:
    """Stands where rows are set aside, and keeps what came."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0

    def __call__(self, connection: duckdb.DuckDBPyConnection, query: str) -> int:
        found = connection.execute(query)
        names = [each[0] for each in found.description or ()]
        self.rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        self.calls += 1
        return len(self.rows)


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


def test_what_an_earlier_try_set_aside_is_over_when_all_fits(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,amount\n1,1.50\n")
    aside = Aside()

    ingest_source(tmp_path, csv("quarantine"), set_aside=aside)

    assert (1, []) == (aside.calls, aside.rows)


def test_a_row_without_a_cursor_is_set_aside_under_quarantine(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,at\n1,2025-01-01 10:00:00\n2,\n3,2026-01-01\n")
    aside = Aside()

    manifest = ingest_source(tmp_path, moving("quarantine"), cursor=RANGE, set_aside=aside)

    assert (1, 1, 1) == (manifest.rows, manifest.cut_rows, manifest.quarantined_rows)
    assert ["incremental.cursor"] == aside.rows[0]["_dataflow_rules"]
    assert 'a.csv: row 2: column "at": the cursor is NULL' in aside.rows[0]["_dataflow_reasons"][0]


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

    def change(connection: duckdb.DuckDBPyConnection, query: str) -> int:
        (tmp_path / "a.csv").write_text("id,amount\n1,2\n2,3\n")
        return 1

    with pytest.raises(TransientError, match="its files were changed while they were read"):
        ingest_source(tmp_path, csv("quarantine"), set_aside=change)
    assert not list(tmp_path.glob("landing/**/*.*"))


TYPES = ["BIGINT", "TINYINT", "DECIMAL(6,2)", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "BOOLEAN", "VARCHAR"]
TYPES += ["JSON", "BIGINT[]", "UUID", "TIME"]
VALUES = st.one_of(
    st.none(),
    st.sampled_from(["1", "1.5", "x", "2025-01-01", "2025-01-01 10:00:00", "2025-01-01T10:00:00+02:00", "true", "[1]"]),
    st.sampled_from(["[x]", "null", "{}", "1e400", "-0", "1e-3", "99999", "''", "12:00:00", "9" * 40, " 7"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5),
)
MODES = ["evolve", "freeze", "discard_value", "discard_row", "quarantine"]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_row_is_landed_left_out_or_set_aside_and_never_two_of_them(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
):
    root = tmp_path_factory.mktemp("contract")
    kinds = data.draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=4))
    columns = {"key": "VARCHAR"} | {f"c{number}": kind for number, kind in enumerate(kinds)}
    is_incremental = data.draw(st.booleans())
    names = [*list(columns)[1:], *data.draw(st.lists(st.just("extra"), max_size=1))]
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, VALUES)), max_size=12))
    numbered = [{"key": f"k{number}", **row} for number, row in enumerate(rows)]
    if is_incremental:
        columns["moved"] = "TIMESTAMPTZ"
        moments = st.sampled_from([None, "2025-01-01T05:00:00Z", "2025-03-01T00:00:00Z", "soon"])
        numbered = [{**row, "moved": data.draw(moments)} for row in numbered]
    contract = {"columns": data.draw(st.sampled_from(MODES)), "data_type": data.draw(st.sampled_from(MODES))}
    (root / "a.ndjson").write_text("\n".join(json.dumps(row) for row in numbered))
    source: dict[str, Any] = {"type": "file", "format": "ndjson", "path": "a.ndjson", "columns": columns}
    source |= {"schema_contract": contract} | ({"incremental": {"cursor": "moved"}} if is_incremental else {})

    may_fail = "freeze" in contract.values() or is_incremental
    outcomes: list[Any] = []
    for _ in range(2):
        aside = Aside()
        try:
            manifest = ingest_source(root, source, cursor=RANGE if is_incremental else None, set_aside=aside)
        except ContractError as error:
            outcomes.append(str(error))
            continue
        kept = [key for (key,) in landed(manifest, "key")]
        set_aside = [row["key"] for row in aside.rows]
        outcomes.append((kept, set_aside, manifest.discarded_rows, manifest.cut_rows, manifest.data_columns))

        assert len(numbered) == manifest.rows_read
        assert len(numbered) == len(kept) + len(set_aside) + manifest.discarded_rows + manifest.cut_rows
        assert len(kept) + len(set_aside) == len({*kept, *set_aside}) <= len(numbered)
        assert len(set_aside) == manifest.quarantined_rows
        assert 0 == manifest.quarantined_rows or "quarantine" in contract.values()
        assert 0 == manifest.discarded_rows or "discard_row" in contract.values()
        assert columns.keys() <= manifest.data_columns.keys()
    assert outcomes[0] == outcomes[1]
    assert may_fail or not isinstance(outcomes[0], str)
