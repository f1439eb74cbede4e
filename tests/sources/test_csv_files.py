"""CSV files: columns by name, values of each type, and what is no CSV."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from kit.csv_source import COLUMNS, csv, refused
from kit.ingest import ingest_source, landed


def test_columns_are_matched_by_name(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("name,id\nx,1\ny,2\n")

    manifest = ingest_source(tmp_path, csv())

    assert [(1, "x"), (2, "y")] == landed(manifest)
    assert COLUMNS == manifest.data_columns


def test_columns_that_are_not_declared_are_left_out_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "orders.csv").write_text("note,id,name,id2\nn,1,x,3\n")

    with caplog.at_level(logging.INFO):
        manifest = ingest_source(tmp_path, csv())

    assert [(1, "x")] == landed(manifest)
    assert 'orders.csv: left out "note", "id2", not declared in `columns`' in caplog.messages


def test_a_line_may_be_as_long_as_the_options_say(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id,name\n1," + 5_000_000 * "x" + "\n")

    manifest = ingest_source(tmp_path, csv(max_line_size=6_000_000))

    assert [(1, 5_000_000 * "x")] == landed(manifest)


def test_a_missing_column_is_told_with_those_that_are_there(tmp_path: Path):
    told = refused(tmp_path, "id,Name\n1,x\n")

    assert 'orders.csv: no column "name"; found "id", "Name"; did you mean "Name"?' == told


def test_another_delimiter_is_suspected(tmp_path: Path):
    told = refused(tmp_path, "id;name\n1;x\n")

    assert "is ';' the delimiter? Then set `options: {delim: ';'}`" in told


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("BIGINT", "zz"),
        ("BIGINT", "1.5"),
        ("BIGINT", "99999999999999999999"),
        ("TINYINT", "300"),
        ("DATE", "2025-02-30"),
        ("DATE", "2025-01-01 10:00:00"),
        ("TIMESTAMP", "2025-01-01T10:00:00+02:00"),
        ("TIMESTAMPTZ", "soon"),
        ("TIMESTAMPTZ", "2025-13-01"),
        ("TIMETZ", "soon"),
        ("TIME", "25:00:00"),
        ("INTERVAL", "soon"),
        ("DECIMAL(3,1)", "1000"),
        ("BIGINT[]", "[x]"),
        ("BOOLEAN", "maybe"),
        ("DOUBLE", "1,5"),
        ("UUID", "x"),
        ("JSON", "{x"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_place(tmp_path: Path, kind: str, value: str):
    source = csv(columns={"id": "BIGINT", "value": kind})

    told = refused(tmp_path, f'id,value\n1,\n2,"{value}"\n3,\n', source)

    declared = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE", "TIMETZ": "TIME WITH TIME ZONE"}.get(kind, kind)
    option = 'set `options: {decimal_separator: ","}`, ' if value == "1,5" else ""
    place = told.removesuffix(
        f""": column "value": '{value}' is not a {declared}; {option}mend the data or declare another type"""
    )
    assert place in {"orders.csv: line 3", "orders.csv: row 2"}


def test_values_of_every_common_type_are_read(tmp_path: Path):
    columns = {
        "a": "TINYINT", "b": "DECIMAL(12,2)", "c": "DATE", "d": "TIMESTAMP", "e": "TIMESTAMPTZ", "f": "BOOLEAN",
        "g": "DOUBLE", "h": "BIGINT",
    }  # fmt: skip
    text = ",".join(columns) + "\n7,1.25,2025-01-01,2025-01-01T10:00:00Z,2025-01-01T10:00:00+02:00,true,0.1,5.0\n"
    (tmp_path / "orders.csv").write_text(text)

    manifest = ingest_source(tmp_path, csv(columns=columns))

    expected = (
        7, Decimal("1.25"), date(2025, 1, 1), datetime(2025, 1, 1, 10), datetime(2025, 1, 1, 8, tzinfo=UTC), True,  # noqa: DTZ001
        0.1, 5,
    )  # fmt: skip
    assert [expected] == landed(manifest)


@pytest.mark.parametrize("row", ["2", "2,y,3"])
def test_a_ragged_row_is_told(tmp_path: Path, row: str):
    told = refused(tmp_path, f"id,name\n1,x\n{row}\n")

    assert f"orders.csv: line 3: {row.count(',') + 1} fields where the header has 2" in told


def test_a_quote_that_is_never_closed_is_told(tmp_path: Path):
    assert "orders.csv: line 2: a quote is never closed" in refused(tmp_path, 'id,name\n1,"x\n2,y\n')


def test_another_encoding_is_told_and_can_be_set(tmp_path: Path):
    text = "id,name\n1,Zoë\n".encode("latin-1")

    assert "orders.csv: line 2: not UTF-8; set `options: {encoding: latin-1}`" in refused(tmp_path, text)
    assert [(1, "Zoë")] == landed(ingest_source(tmp_path, csv(encoding="latin-1")))


@pytest.mark.parametrize("columns", [{"id": "BIGINT"}, {"id": "BIGINT", "gone": "VARCHAR"}])
@pytest.mark.parametrize("contract", ["discard_value", "freeze", "evolve"])
def test_a_header_of_another_encoding_is_told_and_nothing_of_it_shown(
    tmp_path: Path, columns: dict[str, str], contract: str
):
    source = {**csv(columns=columns), "schema_contract": {"columns": contract}}

    said = refused(tmp_path, "id,Größe\n1,2\n".encode("latin-1"), source)

    assert "orders.csv: header: not UTF-8; set `options: {encoding: latin-1}` or what it is" == said
    assert "orders.csv: it is UTF-16" in refused(tmp_path, "id,Größe\n1,2\n".encode("utf-16"), source)


def test_a_file_of_utf_8_that_is_read_as_another_encoding_is_told_by_its_mark(tmp_path: Path):
    said = refused(tmp_path, "\ufeffid,name\n1,ä\n", csv(encoding="latin-1"))

    assert (
        "orders.csv: it begins with the byte order mark of UTF-8 (BOM), so it is not latin-1; take `encoding`" in said
    )
    assert [(1, "ä")] == landed(ingest_source(tmp_path, csv()))


@pytest.mark.parametrize("page", ["<!DOCTYPE html><html>", "\n  <html lang='en'>", "\ufeff<HTML>"])
def test_a_web_page_is_refused(tmp_path: Path, page: str):
    assert "orders.csv: a web page, not data" in refused(tmp_path, page + "<body>Sign in</body></html>")


@pytest.mark.parametrize("text", ["", " \n\n", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path: Path, text: str):
    assert "orders.csv: empty, without even a header" in refused(tmp_path, text)


def test_a_header_alone_gives_no_rows_and_all_columns(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id,name")

    manifest = ingest_source(tmp_path, csv())

    assert 0 == manifest.rows
    assert COLUMNS == manifest.data_columns


def test_a_declared_column_that_is_there_twice_is_refused(tmp_path: Path):
    assert '2 columns named "id"' in refused(tmp_path, "id,name,id\n1,x,2\n")


def test_strange_headers_of_columns_that_are_left_out_do_no_harm(tmp_path: Path):
    (tmp_path / "orders.csv").write_text('id,,"a ""b",ID,name,\n1,2,3,4,x,6\n')

    assert [(1, "x")] == landed(ingest_source(tmp_path, csv()))


def test_options_reach_the_reader(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("made by a tool\nid|day|name\n1|05.01.2025|n/a\n# gone\n2|06.01.2025|'a|b'\n")
    options = {
        "delim": "|",
        "quote": "'",
        "escape": "'",
        "skip": 1,
        "comment": "#",
        "nullstr": ["n/a", "-"],
        "dateformat": "%d.%m.%Y",
    }

    manifest = ingest_source(tmp_path, csv(columns={**COLUMNS, "day": "DATE"}, **options))

    assert [(1, None, date(2025, 1, 5)), (2, "a|b", date(2025, 1, 6))] == landed(manifest)


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP", "TIMESTAMPTZ"])
def test_a_time_of_another_form_than_was_set_is_told(tmp_path: Path, kind: str):
    source = csv(columns={"day": kind}, dateformat="%d.%m.%Y", timestampformat="%d.%m.%Y")

    assert "column \"day\": '2025-01-06' is not a " in refused(tmp_path, "day\n05.01.2025\n2025-01-06\n", source)


def test_a_file_without_a_header_is_read_by_position_when_that_is_said(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("1,x\n2,y\n")

    assert [(1, "x"), (2, "y")] == landed(ingest_source(tmp_path, csv(header=False)))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("delimeter", "unknown option 'delimeter' of the csv reader; did you mean 'delim'?"),
        ("ignore_errors", "option 'ignore_errors' cannot be set: it drops rows in silence"),
        ("auto_detect", "option 'auto_detect' cannot be set: columns are declared, never guessed"),
    ],
)
def test_an_option_that_is_unknown_or_loses_data_is_refused(tmp_path: Path, option: str, told: str):
    assert told in refused(tmp_path, "id,name\n", csv(**{option: True}))


def test_columns_must_be_declared(tmp_path: Path):
    source = {"type": "file", "format": "csv", "path": "orders.csv"}

    assert "declare the `columns` of a csv file" in refused(tmp_path, "id\n1\n", source)


def test_an_unknown_type_is_told(tmp_path: Path):
    assert "column \"id\": DuckDB has no type 'NUMBR'" in refused(tmp_path, "id\n1\n", csv(columns={"id": "NUMBR"}))


def test_a_column_of_our_prefix_cannot_be_declared(tmp_path: Path):
    told = refused(tmp_path, "_dataflow_x\n1\n", csv(columns={"_dataflow_x": "BIGINT"}))

    assert "names that begin with _dataflow are ours" in told


def test_utf_16_is_told_and_can_be_set(tmp_path: Path):
    text = "id,name\n1,ä\n".encode("utf-16")

    assert "orders.csv: it is UTF-16; set `options: {encoding: utf-16}`" == refused(tmp_path, text)
    assert [(1, "ä")] == landed(ingest_source(tmp_path, csv(encoding="utf-16")))


def test_a_value_that_does_not_fit_is_told_with_the_option_that_would_read_it(tmp_path: Path):
    told = refused(tmp_path, "day\n05.01.2025\n", csv(columns={"day": "DATE"}))

    assert "'05.01.2025' is not a DATE; set `options: {dateformat: \"%d.%m.%Y\"}`, mend the data or" in told


def test_a_column_that_is_forced_to_hold_no_null_keeps_its_empty_texts(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id,name,note\n1,,\n2,x,\n")
    columns = {"id": "BIGINT", "name": "VARCHAR", "note": "VARCHAR"}

    manifest = ingest_source(tmp_path, csv(columns=columns, force_not_null=["name"]))

    assert [(1, "", None), (2, "x", None)] == landed(manifest, "id, name, note")


def test_an_option_of_a_column_that_is_not_there_is_told(tmp_path: Path):
    told = refused(tmp_path, "id,name\n1,\n", csv(force_not_null=["nmae"]))

    assert "options.force_not_null: no column 'nmae'; did you mean 'name'?" == told
