from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from dataflow.errors import ContractError
from dataflow.landing.manifest import Manifest
from kit.ingest import ingest_source, landed

ROWS = [{"id": 1, "name": "x"}, {"id": 2, "name": None}]
EXPECTED = [(1, "x"), (2, None)]


class Colour(Enum):
    RED = "red"


class Size(IntEnum):
    LARGE = 3


class Spelled:
    """A thing of the author's, which is landed as its text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def given(root: Path, rows: Any, columns: dict[str, str] | None = None) -> Manifest:
    function = rows if callable(rows) else lambda: rows
    return ingest_source(root, {"type": "python", "columns": columns or {}}, rows=function)


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
    manifest = given(tmp_path, rows, columns)

    assert EXPECTED == landed(manifest)
    assert {"id": "BIGINT", "name": "VARCHAR"} == manifest.data_columns


def test_undeclared_types_are_those_of_the_data(tmp_path: Path):
    values = {
        "a": 1, "b": 1.5, "c": "x", "d": True, "e": date(2025, 1, 1), "f": datetime(2025, 1, 1, 10),  # noqa: DTZ001
        "g": datetime(2025, 1, 1, 10, tzinfo=UTC), "h": Decimal("1.50"), "i": {"x": [1]}, "j": [1, 2], "k": None,
        "l": b"\x00", "m": uuid.UUID(int=7),
    }  # fmt: skip

    manifest = given(tmp_path, [values])

    assert {
        "a": "BIGINT", "b": "DOUBLE", "c": "VARCHAR", "d": "BOOLEAN", "e": "DATE", "f": "TIMESTAMP",
        "g": "TIMESTAMP WITH TIME ZONE", "h": "DECIMAL(3,2)", "i": "JSON", "j": "JSON", "k": "VARCHAR", "l": "BLOB",
        "m": "UUID",
    } == manifest.data_columns  # fmt: skip
    assert [(*list(values.values())[:8], '{"x": [1]}', "[1, 2]", None, b"\x00", uuid.UUID(int=7))] == landed(manifest)


def test_undeclared_types_are_united_over_what_is_given(tmp_path: Path):
    manifest = given(
        tmp_path, lambda: iter([[{"a": None}], [{"a": 1, "b": 1}], pd.DataFrame({"a": [2.5], "b": ["x"]})])
    )

    assert {"a": "DOUBLE", "b": "VARCHAR"} == manifest.data_columns
    assert [(None, None), (1.0, "1"), (2.5, "x")] == landed(manifest)


def test_keys_that_only_later_rows_have_are_kept(tmp_path: Path):
    assert [(1, None), (2, "y")] == landed(given(tmp_path, [{"a": 1}, {"a": 2, "b": "y"}]))


def test_declared_columns_are_cast_and_others_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    rows = [{"id": "1", "paid": 1.25, "at": "2025-01-01T10:00:00+02:00", "tags": ["a"], "extra": object()}]
    columns = {"id": "BIGINT", "paid": "DECIMAL(12,2)", "at": "TIMESTAMPTZ", "tags": "VARCHAR[]"}

    with caplog.at_level(logging.INFO):
        manifest = given(tmp_path, rows, columns)

    assert [(1, Decimal("1.25"), datetime(2025, 1, 1, 8, tzinfo=UTC), ["a"])] == landed(manifest)
    assert 'ingestion:orders: left out "extra", not declared in `columns`' in caplog.messages


def test_nested_values_fit_their_declared_types(tmp_path: Path):
    rows = [{"a": {"x": 1, "y": ["p"]}, "b": {"k": 1.5}, "c": {"z": None}}]
    columns = {"a": "STRUCT(x BIGINT, y VARCHAR[])", "b": "MAP(VARCHAR, DOUBLE)", "c": "JSON"}

    assert [({"x": 1, "y": ["p"]}, {"k": 1.5}, '{"z": null}')] == landed(given(tmp_path, rows, columns))


def test_times_with_and_without_a_zone_keep_their_moment(tmp_path: Path):
    """Arrow alone would take the zone of the first for all."""
    rows = [{"at": datetime(2025, 1, 1, 10)}, {"at": datetime.fromisoformat("2025-01-01T10:00:00+02:00")}]  # noqa: DTZ001

    manifest = given(tmp_path, rows, {"at": "TIMESTAMPTZ"})

    assert [(datetime(2025, 1, 1, 10, tzinfo=UTC),), (datetime(2025, 1, 1, 8, tzinfo=UTC),)] == landed(manifest)


def test_numbers_too_large_for_64_bits_keep_every_digit(tmp_path: Path):
    manifest = given(tmp_path, [{"n": 10**30 + 1}], {"n": "DECIMAL(38,0)"})

    assert [(Decimal(10**30 + 1),)] == landed(manifest)


def test_missing_values_of_pandas_are_null(tmp_path: Path):
    frame = pd.DataFrame({"a": [1.0, float("nan")], "b": [pd.Timestamp("2025-01-01"), pd.NaT]})
    expected = [(1, datetime(2025, 1, 1)), (None, None)]  # noqa: DTZ001
    columns = {"a": "BIGINT", "b": "TIMESTAMP"}

    assert expected == landed(given(tmp_path, frame, columns))
    assert expected == landed(given(tmp_path, frame.to_dict("records"), columns))


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
        given(tmp_path, rows, {"v": kind})

    assert str(caught.value).startswith(f'ingestion:orders: row {rows_before + 1}: column "v": ')
    assert f"is not a {kind}; " in str(caught.value)


def test_a_declared_column_that_no_row_has_is_told(tmp_path: Path):
    with pytest.raises(ContractError, match=r'ingestion:orders: no column "id"; found "ids"; did you mean "ids"\?'):
        given(tmp_path, [{"ids": 1}], {"id": "BIGINT"})


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
        given(tmp_path, rows)


@pytest.mark.parametrize(
    "rows", [[], [[]], pd.DataFrame({"id": [], "name": []}), pa.table({"id": pa.array([], pa.int8())})]
)
def test_no_rows_give_all_declared_columns(tmp_path: Path, rows: object):
    columns = {"id": "BIGINT", "name": "VARCHAR"}

    manifest = given(tmp_path, rows, columns)

    assert (0, columns) == (manifest.rows, manifest.data_columns)


def test_no_rows_and_no_declared_columns_are_an_empty_batch(tmp_path: Path):
    manifest = given(tmp_path, [])

    assert (0, {}) == (manifest.rows, manifest.data_columns)


def test_rows_without_any_value_are_rows(tmp_path: Path):
    assert [(None,), (None,)] == landed(given(tmp_path, [{"a": None}, {"a": None}]))
    assert 2 == given(tmp_path, [{}, {}]).rows
    assert [(None,), (1,)] == landed(given(tmp_path, [{"x": 1}, {"id": 1}], {"id": "BIGINT"}))


def test_an_error_of_the_function_passes_through_and_nothing_is_landed(tmp_path: Path):
    def rows() -> Iterator[list[dict[str, Any]]]:
        yield ROWS
        raise KeyError("orders")

    with pytest.raises(KeyError, match="orders"):
        given(tmp_path, rows)

    assert not (tmp_path / "landing").exists()


def test_the_order_of_the_rows_is_kept_over_many_batches(tmp_path: Path):
    def rows() -> Iterator[list[dict[str, Any]]]:
        for start in range(0, 250_000, 1_000):
            yield [{"id": number, "gap": timedelta(seconds=1)} for number in range(start, start + 1_000)]

    manifest = given(tmp_path, rows, {"id": "BIGINT", "gap": "INTERVAL"})

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

    assert [(number,)] == landed(given(tmp_path, [{"d": Decimal(number)}]))


def test_a_set_is_a_list_in_json(tmp_path: Path):
    assert [('["x", "y"]',)] == landed(given(tmp_path, [{"s": {"y", "x"}}]))


HALF = (
    "column \"{name}\": character {at} is '\\ud83d', half of a pair of surrogates, which no text has alone; "
    'mend it in the function, as in text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")'
)


@pytest.mark.parametrize(
    ("value", "at"),
    [("ab\ud83d", "3 of 3"), ({"a": ["\ud83d"]}, "9 of 12"), (Spelled("x\ud83d"), "2 of 2")],
)
def test_half_a_character_is_told_with_its_row(tmp_path: Path, value: object, at: str) -> None:
    rows = [[{"id": 1, "note": "ok ä 😀"}], [{"id": 2, "note": "ok"}, {"id": 3, "note": value}]]

    with pytest.raises(ContractError) as caught:
        given(tmp_path, rows, {"id": "BIGINT", "note": "VARCHAR"})

    assert f"ingestion:orders: row 3: {HALF.format(name='note', at=at)}" == str(caught.value)
    assert not list(tmp_path.glob("landing/**/*.*"))


def test_half_a_character_in_a_frame_is_told_with_its_row(tmp_path: Path) -> None:
    notes = (pd.Series(each, dtype=object) for each in (["ok"], ["ok", "\ud83d"]))
    frames = [pd.DataFrame({"note": each}) for each in notes]

    with pytest.raises(ContractError) as caught:
        given(tmp_path, frames)

    assert f"ingestion:orders: row 3: {HALF.format(name='note', at='1 of 1')}" == str(caught.value)


def test_half_a_character_in_a_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"a column's name is 'a\\ud83d'; names are text"):
        given(tmp_path, [{"a\ud83d": 1}])


def test_the_way_out_of_half_a_character_is_one(tmp_path: Path) -> None:
    text = "\ud83d\ude00 \ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    assert [("😀 \ufffd",)] == landed(given(tmp_path, [{"note": text}]))


def test_texts_within_json_are_written_as_they_are(tmp_path: Path) -> None:
    assert [('{"a": "ä 😀"}',)] == landed(given(tmp_path, [{"note": {"a": "ä 😀"}}]))


FEW = 10_000
"""Rows that are made a table at once."""


@pytest.mark.parametrize("beside", [{"a": 1}, ["y"], {"y"}, 7, 1.5, None, date(2025, 1, 1), Decimal("1.50")])
@pytest.mark.parametrize("columns", [{"name": "VARCHAR"}, {}], ids=["declared", "undeclared"])
def test_a_text_stays_as_it_is_whatever_stands_beside_it(tmp_path: Path, beside: object, columns: dict[str, str]):
    few = [{"name": "x"} for _ in range(FEW + 1)]

    manifest = given(tmp_path, lambda: iter([few, [{"name": beside}], few]), columns)

    assert {"name": "VARCHAR"} == manifest.data_columns
    assert [(2 * len(few),)] == landed(manifest, "count(*) filter (where name = 'x')")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, "ö"]}, '{"a": [1, "ö"]}'),
        (1, "1"),
        (1e16, "1e+16"),
        (True, "true"),
        (Decimal("1.5"), "1.5"),
        (date(2025, 1, 1), "2025-01-01"),
        (datetime(2025, 1, 1, 10, 0, 0, 120_000), "2025-01-01 10:00:00.12"),  # noqa: DTZ001
        (datetime.fromisoformat("2025-01-01T10:00:00+02:00"), "2025-01-01 08:00:00+00"),
        (time(10, 0, 0, 500_000), "10:00:00.5"),
        (uuid.UUID(int=7), str(uuid.UUID(int=7))),
        (PurePosixPath("a/b"), "a/b"),
        ("Grüße".encode(), "Grüße"),
        (Colour.RED, "red"),
        (Size.LARGE, "3"),
    ],
)
def test_the_text_of_a_value_does_not_depend_on_other_rows(tmp_path: Path, value: object, text: str):
    others = ["x", 2, 2.5, Decimal("1.125"), {"k": None}]

    rows = [[{"v": value}] * FEW, [{"v": value}, *({"v": other} for other in others)]]
    manifest = given(tmp_path, lambda: iter(rows), {"v": "VARCHAR"})

    assert [(FEW + 1,)] == landed(manifest, f"count(*) filter (where v = '{text}')")


def test_an_undeclared_column_of_objects_and_numbers_is_json(tmp_path: Path):
    manifest = given(tmp_path, lambda: iter([[{"v": {"a": 1}}], [{"v": 2}] * FEW, [{"v": [True]}, {"v": False}]]))

    assert {"v": "JSON"} == manifest.data_columns
    assert {('{"a": 1}',), ("2",), ("[true]",), ("false",)} == set(landed(manifest))


def test_an_undeclared_member_of_an_enum_has_the_type_of_its_value(tmp_path: Path):
    manifest = given(tmp_path, [{"c": Colour.RED, "s": Size.LARGE}])

    assert {"c": "VARCHAR", "s": "BIGINT"} == manifest.data_columns
    assert [("red", 3)] == landed(manifest)


class Thing:
    pass


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Thing(), r'"v": a Thing, which is no value of data and has no text \(`__str__`\); give text or a number'),
        (len, "a builtin_function_or_method, which is no value"),
        (b"x\xff", "bytes that are not UTF-8"),
        ({"a": Thing()}, "a Thing, which is no value"),
        ({(1, 2): 3}, r"a dict that is no JSON \(keys must be str"),
    ],
)
@pytest.mark.parametrize("columns", [{"v": "VARCHAR"}, {"v": "JSON"}, {}], ids=["text", "json", "undeclared"])
def test_an_object_that_is_no_value_is_told_with_its_row(
    tmp_path: Path, value: object, told: str, columns: dict[str, str]
):
    with pytest.raises(ContractError, match=f"ingestion:orders: row 3: column .*{told}"):
        given(tmp_path, [{"v": "x"}, {"v": None}, {"v": value}], columns)


def test_bytes_of_a_parquet_column_are_text_where_they_are_utf_8(tmp_path: Path):
    rows = pa.table({"v": ["Grüße".encode(), None]})

    assert [("Grüße",), (None,)] == landed(given(tmp_path, rows, {"v": "VARCHAR"}))
    with pytest.raises(ContractError, match=r'row 2: column "v": .* is not a VARCHAR'):
        given(tmp_path, pa.table({"v": [b"x", b"\xff"]}), {"v": "VARCHAR"})
