"""What an author's function gives becomes rows: in every shape, of declared types or its own."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from dataflow.errors import ContractError
from kit.ingest import ingest_rows, ingest_source, landed

ROWS = [{"id": 1, "name": "x"}, {"id": 2, "name": None}]
EXPECTED = [(1, "x"), (2, None)]


def generator() -> Iterator[list[dict[str, Any]]]:
    yield ROWS[:1]
    yield []
    yield ROWS[1:]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS, id="list of dicts"),
        pytest.param([ROWS], id="list of lists"),
        pytest.param(generator, id="generator of lists"),
        pytest.param(lambda: iter(ROWS), id="generator of dicts"),
        pytest.param(pd.DataFrame(ROWS), id="DataFrame"),
        pytest.param([pd.DataFrame(ROWS[:1]), pd.DataFrame(ROWS[1:])], id="DataFrames"),
        pytest.param(pa.Table.from_pylist(ROWS), id="Arrow table"),
        pytest.param(lambda: iter(pa.Table.from_pylist(ROWS).to_batches(max_chunksize=1)), id="record batches"),
        pytest.param([ROWS[:1], pd.DataFrame(ROWS[1:])], id="a mixture"),
    ],
)
@pytest.mark.parametrize("columns", [{}, {"id": "BIGINT", "name": "VARCHAR"}], ids=["undeclared", "declared"])
def test_rows_come_in_every_shape(tmp_path: Path, rows: Any, columns: dict[str, str]):
    manifest = ingest_rows(tmp_path, rows, columns)

    assert EXPECTED == landed(manifest)
    assert {"id": "BIGINT", "name": "VARCHAR"} == manifest.data_columns


def test_undeclared_types_are_those_of_the_data(tmp_path: Path):
    values = {
        "a": 1, "b": 1.5, "c": "x", "d": True, "e": date(2025, 1, 1), "f": datetime(2025, 1, 1, 10),  # noqa: DTZ001
        "g": datetime(2025, 1, 1, 10, tzinfo=UTC), "h": Decimal("1.50"), "i": {"x": [1]}, "j": [1, 2], "k": None,
        "l": b"\x00", "m": uuid.UUID(int=7),
    }  # fmt: skip

    manifest = ingest_rows(tmp_path, [values])

    assert {
        "a": "BIGINT", "b": "DOUBLE", "c": "VARCHAR", "d": "BOOLEAN", "e": "DATE", "f": "TIMESTAMP",
        "g": "TIMESTAMP WITH TIME ZONE", "h": "DECIMAL(3,2)", "i": "JSON", "j": "JSON", "k": "VARCHAR", "l": "BLOB",
        "m": "UUID",
    } == manifest.data_columns  # fmt: skip
    assert [(*list(values.values())[:8], '{"x": [1]}', "[1, 2]", None, b"\x00", uuid.UUID(int=7))] == landed(manifest)


def test_undeclared_types_are_united_over_what_is_given(tmp_path: Path):
    manifest = ingest_rows(
        tmp_path, lambda: iter([[{"a": None}], [{"a": 1, "b": 1}], pd.DataFrame({"a": [2.5], "b": ["x"]})])
    )

    assert {"a": "DOUBLE", "b": "VARCHAR"} == manifest.data_columns
    assert [(None, None), (1.0, "1"), (2.5, "x")] == landed(manifest)


def test_keys_that_only_later_rows_have_are_kept(tmp_path: Path):
    assert [(1, None), (2, "y")] == landed(ingest_rows(tmp_path, [{"a": 1}, {"a": 2, "b": "y"}]))


def test_declared_columns_are_cast_and_others_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    rows = [{"id": "1", "paid": 1.25, "at": "2025-01-01T10:00:00+02:00", "tags": ["a"], "extra": object()}]
    columns = {"id": "BIGINT", "paid": "DECIMAL(12,2)", "at": "TIMESTAMPTZ", "tags": "VARCHAR[]"}

    with caplog.at_level(logging.INFO):
        manifest = ingest_rows(tmp_path, rows, columns)

    assert [(1, Decimal("1.25"), datetime(2025, 1, 1, 8, tzinfo=UTC), ["a"])] == landed(manifest)
    assert 'ingestion:orders: left out "extra", not declared in `columns`' in caplog.messages


def test_nested_values_fit_their_declared_types(tmp_path: Path):
    rows = [{"a": {"x": 1, "y": ["p"]}, "b": {"k": 1.5}, "c": {"z": None}}]
    columns = {"a": "STRUCT(x BIGINT, y VARCHAR[])", "b": "MAP(VARCHAR, DOUBLE)", "c": "JSON"}

    assert [({"x": 1, "y": ["p"]}, {"k": 1.5}, '{"z": null}')] == landed(ingest_rows(tmp_path, rows, columns))


def test_times_with_and_without_a_zone_keep_their_moment(tmp_path: Path):
    """Arrow alone would take the zone of the first for all."""
    rows = [{"at": datetime(2025, 1, 1, 10)}, {"at": datetime.fromisoformat("2025-01-01T10:00:00+02:00")}]  # noqa: DTZ001

    manifest = ingest_rows(tmp_path, rows, {"at": "TIMESTAMPTZ"})

    assert [(datetime(2025, 1, 1, 10, tzinfo=UTC),), (datetime(2025, 1, 1, 8, tzinfo=UTC),)] == landed(manifest)


def test_numbers_too_large_for_64_bits_keep_every_digit(tmp_path: Path):
    manifest = ingest_rows(tmp_path, [{"n": 10**30 + 1}], {"n": "DECIMAL(38,0)"})

    assert [(Decimal(10**30 + 1),)] == landed(manifest)


def test_missing_values_of_pandas_are_null(tmp_path: Path):
    frame = pd.DataFrame({"a": [1.0, float("nan")], "b": [pd.Timestamp("2025-01-01"), pd.NaT]})
    expected = [(1, datetime(2025, 1, 1)), (None, None)]  # noqa: DTZ001
    columns = {"a": "BIGINT", "b": "TIMESTAMP"}

    assert expected == landed(ingest_rows(tmp_path, frame, columns))
    assert expected == landed(ingest_rows(tmp_path, frame.to_dict("records"), columns))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("zz", "BIGINT"),
        (1.5, "BIGINT"),
        (300, "TINYINT"),
        (2, "BOOLEAN"),
        (datetime(2025, 1, 1, 1), "DATE"),  # noqa: DTZ001
        ([1], "BIGINT"),
    ],
)
@pytest.mark.parametrize("rows_before", [1, 25_000])
def test_a_value_that_does_not_fit_is_told_with_its_row(tmp_path: Path, value: object, kind: str, rows_before: int):
    rows = [{"v": None}] * rows_before + [{"v": value}]

    with pytest.raises(ContractError) as caught:
        ingest_rows(tmp_path, rows, {"v": kind})

    assert str(caught.value).startswith(f'ingestion:orders: row {rows_before + 1}: column "v": ')
    assert f"is not a {kind}; " in str(caught.value)


def test_a_declared_column_that_no_row_has_is_told(tmp_path: Path):
    with pytest.raises(ContractError, match=r'ingestion:orders: no column "id"; found "ids"; did you mean "ids"\?'):
        ingest_rows(tmp_path, [{"ids": 1}], {"id": "BIGINT"})


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (None, "gave NoneType; yield or return lists of dicts"),
        ("text", "gave str; yield or return"),
        ([[1, 2]], "a row is a int; give dicts"),
        ([7], "gave a int; yield lists of dicts"),
        ([{1: "x"}], "a column's name is 1; names are text"),
        (pd.DataFrame([[1, 2]]), "names are text, each there once"),
        ([{"_dataflow_run": "x"}], "names that begin with _dataflow are ours"),
    ],
)
def test_what_is_no_rows_is_refused(tmp_path: Path, rows: object, told: str):
    with pytest.raises(ContractError, match=told):
        ingest_rows(tmp_path, rows)


@pytest.mark.parametrize(
    "rows", [[], [[]], pd.DataFrame({"id": [], "name": []}), pa.table({"id": pa.array([], pa.int8())})]
)
def test_no_rows_give_all_declared_columns(tmp_path: Path, rows: object):
    columns = {"id": "BIGINT", "name": "VARCHAR"}

    manifest = ingest_rows(tmp_path, rows, columns)

    assert (0, columns) == (manifest.rows, manifest.data_columns)


def test_no_rows_and_no_declared_columns_are_an_empty_batch(tmp_path: Path):
    manifest = ingest_rows(tmp_path, [])

    assert (0, {}) == (manifest.rows, manifest.data_columns)


def test_rows_without_any_value_are_rows(tmp_path: Path):
    assert [(None,), (None,)] == landed(ingest_rows(tmp_path, [{"a": None}, {"a": None}]))
    assert 2 == ingest_rows(tmp_path, [{}, {}]).rows
    assert [(None,), (1,)] == landed(ingest_rows(tmp_path, [{"x": 1}, {"id": 1}], {"id": "BIGINT"}))


def test_an_error_of_the_function_passes_through_and_nothing_is_landed(tmp_path: Path):
    def rows() -> Iterator[list[dict[str, Any]]]:
        yield ROWS
        raise KeyError("orders")

    with pytest.raises(KeyError, match="orders"):
        ingest_rows(tmp_path, rows)

    assert not (tmp_path / "landing").exists()


def test_the_order_of_the_rows_is_kept_over_many_batches(tmp_path: Path):
    def rows() -> Iterator[list[dict[str, Any]]]:
        for start in range(0, 250_000, 1_000):
            yield [{"id": number, "gap": timedelta(seconds=1)} for number in range(start, start + 1_000)]

    manifest = ingest_rows(tmp_path, rows, {"id": "BIGINT", "gap": "INTERVAL"})

    assert [(number,) for number in range(250_000)] == landed(manifest, "id")
    assert [(timedelta(seconds=1),)] == landed(manifest, "distinct gap")


def test_a_nanosecond_is_no_misfit_only_where_the_type_keeps_it(tmp_path: Path):
    moments = pa.array(["2025-01-01T00:00:00.123456789"]).cast(pa.timestamp("ns"))
    rows = pa.table({"at": moments, "zoned": moments.cast(pa.timestamp("ns", "UTC"))})

    manifest = ingest_source(tmp_path, {"type": "python"}, rows=lambda: rows)

    assert {"at": "TIMESTAMP_NS", "zoned": "VARCHAR"} == manifest.data_columns
    assert [("2025-01-01 00:00:00.123456789", "2025-01-01T00:00:00.123456789Z")] == landed(
        manifest, 'cast("at" as varchar), zoned'
    )
    for column in ("at", "zoned"):
        with pytest.raises(ContractError, match=f'column "{column}": .* is not a TIMESTAMP'):
            ingest_source(
                tmp_path,
                {"type": "python", "columns": {column: "TIMESTAMPTZ"}},
                rows=lambda: rows,
            )


def test_a_decimal_of_more_digits_than_duckdb_has_comes_as_text(tmp_path: Path):
    number = "12345678901234567890123456789012345.123456789012345678901234567890"

    assert [(number,)] == landed(ingest_rows(tmp_path, [{"d": Decimal(number)}]))


def test_a_set_is_a_list_in_json(tmp_path: Path):
    assert [('["x", "y"]',)] == landed(ingest_rows(tmp_path, [{"s": {"y", "x"}}]))
