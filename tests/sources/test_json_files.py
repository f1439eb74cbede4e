from __future__ import annotations

import gzip
import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dataflow.errors import ContractError
from kit.ingest import ingest_source, landed

COLUMNS = {"id": "BIGINT", "name": "VARCHAR"}
ARRAY = '[{"id": 1, "name": "x"}, {"name": "y", "id": 2}]'
LINES = '{"id": 1, "name": "x"}\n{"name": "y", "id": 2}\n'


def json_source(
    kind: str = "json", columns: Mapping[str, object] | None = None, path: str = "orders"
) -> dict[str, object]:
    return {"type": "file", "format": kind, "path": path, "columns": columns or COLUMNS}


def read(root: Path, text: str, **source: object) -> list[tuple[object, ...]]:
    (root / "orders").write_text(text)
    return landed(ingest_source(root, json_source(**source)))


def refused(root: Path, text: str, **source: object) -> str:
    with pytest.raises(ContractError) as caught:
        read(root, text, **source)
    return str(caught.value)


@pytest.mark.parametrize(("kind", "text"), [("json", ARRAY), ("json", LINES), ("ndjson", LINES)])
def test_records_are_read_by_key(tmp_path: Path, kind: str, text: str):
    assert [(1, "x"), (2, "y")] == read(tmp_path, text, kind=kind)


@pytest.mark.parametrize(
    ("kind", "text"), [("json", ARRAY), ("json", f"\n {ARRAY}"), ("json", LINES), ("ndjson", LINES)]
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_the_mark_of_an_encoding_is_no_data(tmp_path: Path, kind: str, text: str, is_packed: bool):
    path = "orders.gz" if is_packed else "orders"
    marked = text.encode("utf-8-sig")
    (tmp_path / path).write_bytes(gzip.compress(marked) if is_packed else marked)

    assert [(1, "x"), (2, "y")] == landed(ingest_source(tmp_path, json_source(kind, path=path)))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_told(tmp_path: Path, encoding: str):
    (tmp_path / "orders").write_bytes(ARRAY.encode(encoding))

    with pytest.raises(ContractError, match=r"^orders: it is UTF-16 or UTF-32, and JSON is UTF-8; save it as UTF-8$"):
        ingest_source(tmp_path, json_source())


def test_a_key_that_a_record_lacks_is_null(tmp_path: Path):
    assert [(1, None), (2, "y")] == read(tmp_path, '[{"id": 1}, {"id": 2, "name": "y"}]')


def test_a_key_that_every_record_lacks_is_told(tmp_path: Path):
    told = refused(tmp_path, '[{"id": 1, "Name": "x"}]')

    assert 'orders: no column "name"; found "Name", "id"; did you mean "Name"?' == told


def test_a_key_of_late_records_only_is_found(tmp_path: Path):
    lines = '{"id": 1}\n' * 3_000 + '{"id": 2, "name": "y"}\n'

    assert (2, "y") == read(tmp_path, lines, kind="ndjson")[-1]


def test_keys_that_are_not_declared_are_left_out_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        read(tmp_path, '[{"id": 1, "name": "x", "note": 1}]')

    assert 'orders: left out "note", not declared in `columns`' in caplog.messages


def test_values_of_every_common_type_are_read(tmp_path: Path):
    columns = {
        "a": "TIMESTAMPTZ",
        "b": "DATE",
        "c": "DOUBLE",
        "d": "JSON",
        "e": "BIGINT[]",
        "f": "STRUCT(x BIGINT)",
        "g": "JSON",
    }
    record = '{"a":"2025-01-01T10:00:00+02:00","b":"2025-01-01","c":1.5,"d":{"x":[1]},"e":[1,2],"f":{"x":7},"g":"s"}'

    rows = read(tmp_path, f"[{record}]", columns=columns)

    moment = datetime(2025, 1, 1, 8, tzinfo=UTC)
    assert [(moment, date(2025, 1, 1), 1.5, '{"x":[1]}', [1, 2], {"x": 7}, '"s"')] == rows


@pytest.mark.parametrize("value", ['"zz"', "1.5", '{"x": 1}', "[1]", "1e30"])
def test_a_value_that_does_not_fit_is_told_with_its_row(tmp_path: Path, value: str):
    told = refused(tmp_path, f'[{{"id": 1, "name": "x"}}, {{"id": {value}, "name": "y"}}]')

    assert told.startswith('orders: row 2: column "id": ')
    assert "is not a BIGINT" in told


@pytest.mark.parametrize(
    ("kind", "text", "place"),
    [
        ("json", '[{"id": 1, "name": "x"}, {"id": 2', "orders: record 2: "),
        ("ndjson", '{"id": 1, "name": "x"}\n{"id":\n', "orders: line 2: "),
        ("json", "[1, 2]", 'orders: no column "id"; found none'),
        ("json", "<html><body>Sign in", "orders: a web page, not data"),
        ("json", "", "orders: empty"),
    ],
)
def test_what_is_no_list_of_records_is_refused(tmp_path: Path, kind: str, text: str, place: str):
    assert refused(tmp_path, text, kind=kind).startswith(place)


@pytest.mark.parametrize("wrong", ['{"id": }', '{"id": 1', '{"id": 1}}', "5"])
@pytest.mark.parametrize("line", [1, 3, 5])
@pytest.mark.parametrize("between", ["\n", "\r\n", "\n\n", "\n  \n"])
def test_a_line_that_is_no_record_is_told_by_its_number(tmp_path: Path, wrong: str, line: int, between: str):
    lines = [f'{{"id": {number}}}' for number in range(1, 6)]
    lines[line - 1] = wrong
    in_file = line if between in ("\n", "\r\n") else 2 * line - 1

    told = refused(tmp_path, between.join(lines) + "\n", kind="ndjson", columns={"id": "BIGINT"})

    assert told.startswith(f"orders: line {in_file}: ")


@pytest.mark.parametrize("wrong", ['{"id": }', "5"])
@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_wrong_record_of_an_array_is_told_by_its_number(tmp_path: Path, wrong: str, number: int):
    records = ['{"id": 1}'] * 5
    records[number - 1] = wrong

    told = refused(tmp_path, f"[{', '.join(records)}]", columns={"id": "BIGINT"})

    assert told.startswith(f"orders: record {number}: ")


@pytest.mark.parametrize(("kind", "text"), [("json", '[{"name": "x"}, 5]'), ("ndjson", '{"name": "x"}\n5\n')])
def test_a_record_that_is_no_object_makes_no_texts_of_the_others(tmp_path: Path, kind: str, text: str):
    told = refused(tmp_path, text, kind=kind, columns={"name": "VARCHAR"})

    assert told.startswith("orders: ")
    assert "2: Expected OBJECT, but got UBIGINT: 5" in told


@pytest.mark.parametrize(("kind", "text"), [("json", "[]"), ("ndjson", "")])
def test_no_records_give_no_rows_and_all_columns(tmp_path: Path, kind: str, text: str):
    (tmp_path / "orders").write_text(text)

    manifest = ingest_source(tmp_path, json_source(kind))

    assert (0, COLUMNS) == (manifest.rows, manifest.data_columns)


def test_a_gz_file_is_unpacked(tmp_path: Path):
    (tmp_path / "orders.json.gz").write_bytes(gzip.compress(ARRAY.encode()))

    assert [(1, "x"), (2, "y")] == landed(ingest_source(tmp_path, json_source(path="orders.json.gz")))


@pytest.mark.parametrize(("kind", "text"), [("json", "[{}]"), ("ndjson", "{}"), ("json", "{}")])
@pytest.mark.parametrize("columns", [{"id": "BIGINT"}, {"id": {"type": "BIGINT", "path": "of.id"}}])
def test_a_key_of_late_records_only_that_is_not_declared_is_told(
    tmp_path: Path, kind: str, text: str, columns: Mapping[str, object]
):
    records = ['{"id": 1, "of": {"id": 1}}'] * 5_000 + ['{"id": 2, "of": {"id": 2}, "note": "late"}']
    (tmp_path / "orders").write_text(text.replace("{}", (", " if text == "[{}]" else "\n").join(records)))

    manifest = ingest_source(tmp_path, json_source(kind, columns=columns))

    assert (5_001, True) == (manifest.rows, "note" in manifest.undeclared)


@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_a_map_that_has_a_key_twice_is_told(tmp_path: Path, kind: str):
    columns = {"of": "MAP(VARCHAR, BIGINT)"}

    told = refused(tmp_path, '{"of": {"a": 1}}\n{"of": {"a": 1, "a": 2}}\n', kind=kind, columns=columns)

    assert (
        'orders: row 2: column "of": \'{"a":1,"a":2}\' is not a MAP(VARCHAR, BIGINT) with each key once; '
        "mend the data or declare another type"
    ) == told


def test_a_whole_number_of_39_digits_is_told(tmp_path: Path):
    number = "1" + "0" * 38

    told = refused(tmp_path, f'[{{"id": {number}}}]', columns={"id": "HUGEINT"})

    assert f"orders: row 1: column \"id\": '{number}' is not a HUGEINT of at most 38 digits; " in told


def test_a_list_of_large_whole_numbers_keeps_every_digit(tmp_path: Path):
    number = 12345678901234567890123456789012345678

    assert [([number],)] == read(tmp_path, f'[{{"id": [{number}]}}]', columns={"id": "HUGEINT[]"})


def test_a_date_that_does_not_fit_is_told_with_the_option_that_would_read_it(tmp_path: Path):
    told = refused(tmp_path, '{"id": "31.12.2025"}', columns={"id": "DATE"})

    assert "'31.12.2025' is not a DATE; set `options: {dateformat: \"%d.%m.%Y\"}`, mend the data or" in told
