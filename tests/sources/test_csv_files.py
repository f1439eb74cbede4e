from __future__ import annotations

import gzip
import logging
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dataflow.errors import ContractError
from kit.ingest import ingest_source, landed
from kit.memory import takes_at_most

COLUMNS = {"id": "BIGINT", "name": "VARCHAR"}


def csv(path: str = "orders.csv", columns: dict[str, str] | None = None, **options: object) -> dict[str, object]:
    return {"type": "file", "format": "csv", "path": path, "columns": columns or COLUMNS, "options": options}


def refused(root: Path, text: str | bytes, source: dict[str, object] | None = None) -> str:
    (root / "orders.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ContractError) as caught:
        ingest_source(root, source or csv())
    assert not list(root.glob("landing/**/*.*"))
    return str(caught.value)


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


def test_files_of_a_glob_are_read_in_order_each_by_its_own_header(tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "b.csv").write_text("name,id\ny,2\n")
    (folder / "a.csv").write_text("id,name\n1,x\n")
    (folder / "c.csv").write_text("id,extra,name\n3,e,z\n")

    assert [(1, "x"), (2, "y"), (3, "z")] == landed(ingest_source(tmp_path, csv("data/*.csv")))


def test_the_file_of_a_glob_that_is_broken_is_named(tmp_path: Path):
    (tmp_path / "orders-1.csv").write_text("id,name\n1,x\n")
    (tmp_path / "orders-2.csv").write_text("id,name\n2,x\nzz,x\n")

    with pytest.raises(ContractError, match=r"orders-2\.csv: line 3: column \"id\": 'zz' is not a BIGINT"):
        ingest_source(tmp_path, csv("orders-*.csv"))


def test_a_name_with_glob_characters_is_read_as_it_is(tmp_path: Path):
    (tmp_path / "orders[1].csv").write_text("id,name\n1,x\n")
    (tmp_path / "orders1.csv").write_text("id,name\n2,y\n")

    assert [(1, "x")] == landed(ingest_source(tmp_path, csv("orders[1].csv")))


def test_no_file_is_told_with_pattern_and_folder(tmp_path: Path):
    with pytest.raises(ContractError, match=rf"no file data/\*\.csv in {tmp_path.name}/"):
        ingest_source(tmp_path, csv("data/*.csv"))


def test_an_absolute_path_is_read(tmp_path: Path):
    (tmp_path / "elsewhere.csv").write_text("id,name\n1,x\n")

    assert [(1, "x")] == landed(ingest_source(tmp_path, csv(str(tmp_path / "elsewhere.csv"))))


def test_a_gz_file_is_unpacked(tmp_path: Path):
    (tmp_path / "orders.csv.gz").write_bytes(gzip.compress(b"id,name\n1,x\n"))

    assert [(1, "x")] == landed(ingest_source(tmp_path, csv("orders.csv.gz")))


def test_a_gz_file_that_unpacks_to_much_more_takes_no_more_memory(tmp_path: Path):
    (tmp_path / "orders.csv.gz").write_bytes(gzip.compress(b"id,name\n" + b"1,%s\n" % (b"x" * 61) * (1 << 20)))

    with takes_at_most(12 << 20):
        assert 1 << 20 == ingest_source(tmp_path, csv("orders.csv.gz")).rows


@pytest.mark.parametrize("damage", ["cut", "changed", "no gzip"])
def test_a_damaged_gz_file_is_told(tmp_path: Path, damage: str):
    """DuckDB does not look at a gzip file's checksum, and takes one that is cut at the end of a line for whole."""
    whole = gzip.compress(b"id,name\n1,x\n2,y\n")
    broken = {"cut": whole[:-8], "changed": whole[:-8] + bytes(8), "no gzip": b"id,name\n1,x\n"}
    (tmp_path / "orders.csv.gz").write_bytes(broken[damage])

    with pytest.raises(ContractError, match=r"orders\.csv\.gz: not a whole gzip file"):
        ingest_source(tmp_path, csv("orders.csv.gz"))


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


def test_numbers_may_have_separators_of_their_own(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id;name;price\n1.000;x;1.234,5\n")
    columns = {**COLUMNS, "price": "DECIMAL(12,2)"}

    manifest = ingest_source(tmp_path, csv(columns=columns, delim=";", thousands=".", decimal_separator=","))

    assert [(1_000, "x", Decimal("1234.50"))] == landed(manifest)


@pytest.mark.parametrize("value", ["1,5", "1.5", "x"])
def test_a_number_with_separators_of_its_own_is_not_rounded(tmp_path: Path, value: str):
    (tmp_path / "orders.csv").write_text(f"id;name\n1,0;x\n{value};y\n")
    source = csv(delim=";", decimal_separator=",") | {"schema_contract": {"data_type": "discard_row"}}

    assert [(1, "x")] == landed(ingest_source(tmp_path, source))


@pytest.mark.parametrize("value", ["1,5", "1,2345", "1234,567", ",123", "1,,234", "1.234,567"])
def test_thousands_are_groups_of_three_digits(tmp_path: Path, value: str):
    columns = {"price": "DECIMAL(12,3)"}
    (tmp_path / "orders.csv").write_text(f"price\n-1,234,567.5\n1234\n1,000e1\n{value}\n")
    source = csv(columns=columns, delim=";", thousands=",") | {"schema_contract": {"data_type": "discard_row"}}

    assert [(Decimal("-1234567.5"),), (1234,), (10_000,)] == landed(ingest_source(tmp_path, source))


@pytest.mark.parametrize(("value", "kind"), [("1.5x", "DECIMAL(12,2)"), ("1.5", "BIGINT"), ("1.23", "DOUBLE")])
def test_a_number_that_does_not_fit_is_told_as_the_file_has_it(tmp_path: Path, value: str, kind: str):
    source = csv(columns={"price": kind}, delim=";", thousands=".", decimal_separator=",")

    assert f"column \"price\": '{value}' is not a {kind}" in refused(tmp_path, f"price\n1.234\n{value}\n", source)


def test_a_separator_of_thousands_is_none_of_a_list(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id;prices\n1,000;[1.5,2]\n")
    source = csv(columns={"id": "BIGINT", "prices": "DECIMAL(12,2)[]"}, delim=";", thousands=",")

    assert [(1000, [Decimal("1.5"), 2])] == landed(ingest_source(tmp_path, source))


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


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(tmp_path: Path, newline: str):
    (tmp_path / "orders.csv").write_bytes(newline.join(["id,name", "1,x", "2,y", ""]).encode())

    assert [(1, "x"), (2, "y")] == landed(ingest_source(tmp_path, csv()))


@pytest.mark.parametrize(
    ("text", "line", "end", "usual"),
    [
        ("id,name\r\n1,x\r\n2,y\n", 3, "LF", "CR LF"),
        ("id,name\n1,x\r\n2,y\n", 2, "CR LF", "LF"),
        ("id,name\n1,x\r2,y\n", 2, "CR", "LF"),
        ('id,name\r\n1,"x\ny ""\n"\r\n2,y\n', 5, "LF", "CR LF"),
    ],
)
def test_line_ends_of_two_kinds_are_told_with_the_line(tmp_path: Path, text: str, line: int, end: str, usual: str):
    told = refused(tmp_path, text)

    assert (
        f"orders.csv: line {line}: it ends with {end} where the lines before it end with {usual}; write all line ends "
        "alike, or set `options: {strict_mode: false}`, which takes what is no strict CSV"
    ) == told


def test_line_ends_of_two_kinds_are_read_where_the_options_say_so(tmp_path: Path):
    (tmp_path / "orders.csv").write_bytes(b'id,name\r\n1,"x\ny"\n2,y\r\n3,z\n')

    assert [(1, "x\ny"), (2, "y"), (3, "z")] == landed(ingest_source(tmp_path, csv(strict_mode=False)))


def test_utf_16_is_told_and_can_be_set(tmp_path: Path):
    text = "id,name\n1,ä\n".encode("utf-16")

    assert "orders.csv: it is UTF-16; set `options: {encoding: utf-16}`" == refused(tmp_path, text)
    assert [(1, "ä")] == landed(ingest_source(tmp_path, csv(encoding="utf-16")))


def test_a_value_that_does_not_fit_is_told_with_the_option_that_would_read_it(tmp_path: Path):
    told = refused(tmp_path, "day\n05.01.2025\n", csv(columns={"day": "DATE"}))

    assert "'05.01.2025' is not a DATE; set `options: {dateformat: \"%d.%m.%Y\"}`, mend the data or" in told
