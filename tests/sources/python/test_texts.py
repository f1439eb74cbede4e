"""Values of an author's function in columns of texts: each has one text, whatever stands beside it."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath

import pandas as pd
import pyarrow as pa
import pytest

from dataflow.errors import ContractError
from kit.ingest import ingest_rows, landed


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
        ingest_rows(tmp_path, rows, {"id": "BIGINT", "note": "VARCHAR"})

    assert f"ingestion:orders: row 3: {HALF.format(name='note', at=at)}" == str(caught.value)
    assert not list(tmp_path.glob("landing/**/*.*"))


def test_half_a_character_in_a_frame_is_told_with_its_row(tmp_path: Path) -> None:
    notes = (pd.Series(each, dtype=object) for each in (["ok"], ["ok", "\ud83d"]))
    frames = [pd.DataFrame({"note": each}) for each in notes]

    with pytest.raises(ContractError) as caught:
        ingest_rows(tmp_path, frames)

    assert f"ingestion:orders: row 3: {HALF.format(name='note', at='1 of 1')}" == str(caught.value)


def test_half_a_character_in_a_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"a column's name is 'a\\ud83d'; names are text"):
        ingest_rows(tmp_path, [{"a\ud83d": 1}])


def test_the_way_out_of_half_a_character_is_one(tmp_path: Path) -> None:
    text = "\ud83d\ude00 \ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    assert [("😀 \ufffd",)] == landed(ingest_rows(tmp_path, [{"note": text}]))


def test_texts_within_json_are_written_as_they_are(tmp_path: Path) -> None:
    assert [('{"a": "ä 😀"}',)] == landed(ingest_rows(tmp_path, [{"note": {"a": "ä 😀"}}]))


FEW = 10_000
"""Rows that are made a table at once."""


@pytest.mark.parametrize("beside", [{"a": 1}, ["y"], {"y"}, 7, 1.5, None, date(2025, 1, 1), Decimal("1.50")])
@pytest.mark.parametrize("columns", [{"name": "VARCHAR"}, {}], ids=["declared", "undeclared"])
def test_a_text_stays_as_it_is_whatever_stands_beside_it(tmp_path: Path, beside: object, columns: dict[str, str]):
    few = [{"name": "x"} for _ in range(FEW + 1)]

    manifest = ingest_rows(tmp_path, lambda: iter([few, [{"name": beside}], few]), columns)

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
    manifest = ingest_rows(tmp_path, lambda: iter(rows), {"v": "VARCHAR"})

    assert [(FEW + 1,)] == landed(manifest, f"count(*) filter (where v = '{text}')")


def test_an_undeclared_column_of_objects_and_numbers_is_json(tmp_path: Path):
    manifest = ingest_rows(tmp_path, lambda: iter([[{"v": {"a": 1}}], [{"v": 2}] * FEW, [{"v": [True]}, {"v": False}]]))

    assert {"v": "JSON"} == manifest.data_columns
    assert {('{"a": 1}',), ("2",), ("[true]",), ("false",)} == set(landed(manifest))


def test_an_undeclared_member_of_an_enum_has_the_type_of_its_value(tmp_path: Path):
    manifest = ingest_rows(tmp_path, [{"c": Colour.RED, "s": Size.LARGE}])

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
        ingest_rows(tmp_path, [{"v": "x"}, {"v": None}, {"v": value}], columns)


def test_bytes_of_a_parquet_column_are_text_where_they_are_utf_8(tmp_path: Path):
    rows = pa.table({"v": ["Grüße".encode(), None]})

    assert [("Grüße",), (None,)] == landed(ingest_rows(tmp_path, rows, {"v": "VARCHAR"}))
    with pytest.raises(ContractError, match=r'row 2: column "v": .* is not a VARCHAR'):
        ingest_rows(tmp_path, pa.table({"v": [b"x", b"\xff"]}), {"v": "VARCHAR"})
