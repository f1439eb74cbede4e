"""Numbers of JSON keep every digit beside a wide DECIMAL, and in a column of texts, wherever the JSON comes from."""

from __future__ import annotations

import gzip
import json
import logging
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.errors import ContractError
from dataflow.sources.files import changed_numbers, exact_numbers
from dataflow.sources.files.json_files import read_json_files
from dataflow.sources.reading import SourceFile
from kit.api_source import read
from kit.ingest import ingest_source, landed
from kit.unruly_api import UnrulyApi, says

WIDE = "DECIMAL(38,10)"
COLUMNS = {
    "id": "BIGINT",
    "amount": "DECIMAL(38,10)",
    "version": "VARCHAR",
    "about": "JSON",
    "box": "STRUCT(size DECIMAL(20,2), tags VARCHAR[])",
    "part": {"type": "DECIMAL(20,2)", "path": "deep.part"},
    "near": "DOUBLE",
}
RECORD = (
    '{"id": 1234567890123456789, "amount": 1234567890123456789012345678.0123456789, "version": 1.10, '
    '"about": {"a": [1.50, 1e2], "b": "x 1.50, \\" 2.50,"}, '
    '"box": {"size": 12345678901234567.89, "tags": [1.10, "1.20"]}, '
    '"deep": {"part": 12345678901234567.89}, "near": 0.1}'
)
EXPECTED = (
    1234567890123456789,
    Decimal("1234567890123456789012345678.0123456789"),
    "1.10",
    '{"a":[1.50,1e2],"b":"x 1.50, \\" 2.50,"}',
    {"size": Decimal("12345678901234567.89"), "tags": ["1.10", "1.20"]},
    Decimal("12345678901234567.89"),
    0.1,
)


def json_source(columns: dict[str, Any], *, kind: str = "json", path: str = "a.json") -> dict[str, Any]:
    return {"type": "file", "format": kind, "path": path, "columns": columns}


@pytest.mark.parametrize(
    ("kind", "path", "text"),
    [
        ("json", "a.json", f"[{RECORD}]"),
        ("json", "a.json.gz", f"[{RECORD}]"),
        ("ndjson", "a.ndjson", RECORD),
        ("ndjson", "a.ndjson.gz", RECORD),
    ],
)
def test_a_file_keeps_every_digit(tmp_path: Path, kind: str, path: str, text: str) -> None:
    (tmp_path / path).write_bytes(gzip.compress(text.encode()) if path.endswith(".gz") else text.encode())

    assert [EXPECTED] == landed(ingest_source(tmp_path, json_source(COLUMNS, kind=kind, path=path)))


def test_an_api_keeps_every_digit(tmp_path: Path) -> None:
    with UnrulyApi() as api:
        api.next_does(says(f'{{"items": [{RECORD}]}}'.encode()))

        assert [EXPECTED] == read(tmp_path, api, pagination={"type": "none"}, columns=COLUMNS)


def test_a_column_that_nobody_declared_keeps_every_digit(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": 1.5, "late": 1.50, "deep": {"a": 2.50}}]')
    source = json_source({"id": WIDE}) | {"schema_contract": {"columns": "evolve"}}

    assert [(Decimal("1.5"), "1.50", '{"a":2.50}')] == landed(ingest_source(tmp_path, source), "id, late, deep")


def test_a_key_that_is_written_with_an_escape_is_the_same_key(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(r'[{"gr\u00f6\u00dfe": 12345678901234567.89}]')

    assert [(Decimal("12345678901234567.89"),)] == landed(ingest_source(tmp_path, json_source({"größe": WIDE})))


def is_written_anew(root: Path, columns: dict[str, str], text: str) -> bool:
    """Tell whether a file's numbers had to be marked, and so a copy of it is read."""
    file = root / "a.json"
    file.write_text(text)
    with duckdb.connect() as connection:
        (reading,) = read_json_files(
            connection,
            [SourceFile(file, "a")],
            columns,
            paths={},
            format_name="json",
            options={},
            log=logging.getLogger("dataflow.test"),
            scratch=root / "scratch",
        )
    assert (reading.files[0].path != file) == (root / "scratch").exists()
    return (root / "scratch").exists()


@pytest.mark.parametrize(
    ("columns", "record"),
    [
        ({"x": "DOUBLE"}, '{"x": 0.30000000000000004}'),
        ({"x": "DOUBLE[]"}, '{"x": [0.30000000000000004]}'),
        ({"x": "DECIMAL(12,2)[]"}, '{"x": [12.50]}'),
        ({"x": "DECIMAL(38,0)"}, '{"x": 12345678901234567890123456789012345678}'),
        ({"x": "BIGINT", "y": "VARCHAR"}, '{"x": 1234567890123456789, "y": 1.5}'),
        ({"x": "DECIMAL(18,2)", "y": "DOUBLE"}, '{"x": 12.50, "y": 0.1234567890123456789}'),
        ({"x": "DECIMAL(18,2)", "y": "JSON"}, '{"x": 12.5, "y": {"a": [52.520006599999995, 1.5, 7.0, -0.25]}}'),
        ({"x": "STRUCT(a DECIMAL(38,18))"}, '{"x": {"a": 0.30000000000000004}}'),
        ({"x": "JSON"}, '{"x": {"a": "1.10", "at": "10:00:00.120"}}'),
        ({"x": "VARCHAR[]"}, '{"x": [0.5, "1e2"]}'),
        ({"x": "DECIMAL(12,2)", "y": "VARCHAR"}, '{"x": 12.50, "y": "1.50, 2.50"}'),
    ],
)
def test_what_a_double_holds_is_not_written_anew(tmp_path: Path, columns: dict[str, str], record: str) -> None:
    assert not is_written_anew(tmp_path, columns, f"[{record}]")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("JSON", '{"a": 1.10}'),
        ("JSON", "[1e2]"),
        ("JSON", "0.00001"),
        ("JSON", '[["x", {"b": 12345678901234567890.123}]]'),
        ("VARCHAR[]", "[1.10]"),
        ("MAP(VARCHAR, VARCHAR)", '{"a": 0.1234567890123456789}'),
        ("VARCHAR", '{"a": 1.10}'),
        ("DECIMAL(12,2)", "9999999999.9900001"),
        ("DECIMAL(18,2)", "1234567890123456.78"),
        ("STRUCT(a DECIMAL(12,2))[]", '[{"a": 12.3400000000000000001}]'),
        ("BIGINT", "9007199254740993e0"),
        ("BIGINT", "9007199254740993E0"),
    ],
)
@pytest.mark.parametrize("layout", ['{{"x":{}}}', '{{ "x" : {} , "y": 1}}', '{{\n"\\u0078":\n\t{}\n}}'])
def test_what_a_double_does_not_hold_is_written_anew(tmp_path: Path, kind: str, value: str, layout: str) -> None:
    assert is_written_anew(tmp_path, {"x": kind}, "[" + '{"x": null},' * 2_000 + layout.format(value) + "]")


def test_a_large_file_is_marked_in_time_and_read_whole(tmp_path: Path) -> None:
    lines = '{"id": 1.5, "x": 1.50}\n' + '{"id": 2, "x": "plain"}\n' * 300_000
    (tmp_path / "a.ndjson").write_text(lines)
    source = json_source({"id": WIDE, "x": "VARCHAR"}, kind="ndjson", path="a.ndjson")

    assert [("1.50", 300_001)] == landed(ingest_source(tmp_path, source), "min(x), count(*)")


WRITTEN = ["1.10", "12345678901234567890.5", "1e2", "-0.0"]


def records_with(texts: list[str]) -> list[str]:
    plain = '{"id": 1, "version": "1.0", "of": {"part": "x"}, "near": 0.5}'
    return [plain] * 2_000 + [
        f'{{"id": 2, "version": {text}, "of": {{"part": {text}}}, "near": 0.1}}' for text in texts
    ]


NAMED = {"id": "BIGINT", "version": "VARCHAR", "part": {"type": "VARCHAR", "path": "of.part"}, "near": "DOUBLE"}


@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_a_number_in_a_column_of_texts_is_its_text(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.json").write_text("\n".join(records_with(WRITTEN)))

    found = landed(ingest_source(tmp_path, json_source(NAMED, kind=kind)))

    assert [(2, text, text, 0.1) for text in WRITTEN] == found[2_000:]


def test_a_number_of_an_api_in_a_column_of_texts_is_its_text(tmp_path: Path) -> None:
    with UnrulyApi() as api:
        api.next_does(says(f'{{"items": [{", ".join(records_with(WRITTEN))}]}}'.encode()))

        found = read(tmp_path, api, pagination={"type": "none"}, columns=NAMED)

    assert [(2, text, text, 0.1) for text in WRITTEN] == found[2_000:]


def test_a_number_under_a_key_that_nobody_declared_is_its_text(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": 1, "version": 1.10}]')
    source = json_source({"id": "BIGINT"}) | {"schema_contract": {"columns": "evolve"}}

    assert [(1, "1.10")] == landed(ingest_source(tmp_path, source))


def test_a_whole_number_that_is_written_with_a_fraction_of_zeros_is_that_number(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": 9007199254740993.0}, {"id": 9007199254740993}]')

    assert [(9007199254740993,)] * 2 == landed(ingest_source(tmp_path, json_source({"id": "BIGINT"})))


def test_a_long_record_has_room_for_its_marks(tmp_path: Path) -> None:
    many = ",".join(["1.5"] * 1_000_000)
    (tmp_path / "a.json").write_text(f'[{{"version": 1.10, "all": [{many}]}}]')

    assert [("1.10", 1_000_000)] == landed(
        ingest_source(tmp_path, json_source({"version": "VARCHAR", "all": "DOUBLE[]"})), 'version, len("all")'
    )


NESTED = {
    "about": "JSON",
    "tags": "VARCHAR[]",
    "by_name": "MAP(VARCHAR, VARCHAR)",
    "box": "STRUCT(a VARCHAR, b BIGINT)",
    "whole": "VARCHAR",
}


def nested_record(number: str) -> str:
    return (
        f'{{"about": {{"a": [{number}, "x"], "b": {number}}}, "tags": [{number}, "{number}"], '
        f'"by_name": {{"k": {number}}}, "box": {{"a": {number}, "b": 7}}, "whole": {{"a": {number}}}}}'
    )


def nested_values(number: str) -> tuple[Any, ...]:
    about = f'{{"a":[{number},"x"],"b":{number}}}'
    return about, [number, number], {"k": number}, {"a": number, "b": 7}, f'{{"a":{number}}}'


@pytest.mark.parametrize("kind", ["json", "ndjson"])
@pytest.mark.parametrize("number", ["12345678901234567890.123", "1.10", "1e2", "0.00001", "0.5", "52.520006599999995"])
def test_a_number_within_json_and_nested_texts_is_its_text(tmp_path: Path, kind: str, number: str) -> None:
    (tmp_path / "a.json").write_text(nested_record(number))

    assert [nested_values(number)] == landed(ingest_source(tmp_path, json_source(NESTED, kind=kind)))


def test_a_number_of_an_api_within_json_and_nested_texts_is_its_text(tmp_path: Path) -> None:
    numbers = ["0.5", "12345678901234567890.123", "1.10"]
    with UnrulyApi() as api:
        api.next_does(says(f'{{"items": [{", ".join(map(nested_record, numbers))}]}}'.encode()))

        found = read(tmp_path, api, pagination={"type": "none"}, columns=NESTED)

    assert list(map(nested_values, numbers)) == found


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("STRUCT(a JSON, b VARCHAR)", '{"a": {"k": 1.10}, "b": 1.10}', {"a": '{"k":1.10}', "b": "1.10"}),
        ("STRUCT(a VARCHAR)", '{"a": {"k": [1.10, "1.10"]}}', {"a": '{"k":[1.10,"1.10"]}'}),
        ("JSON[]", '[1.10, {"a": 1e2}, null]', ["1.10", '{"a":1e2}', None]),
        ("VARCHAR[]", '[[1.10], "~1.10", null]', ["[1.10]", "~1.10", None]),
        ("VARCHAR[2]", "[1.10, 1.0]", ["1.10", "1.0"]),
        ("MAP(VARCHAR, JSON)", '{"1.10": {"k": 1.10}, "n": null}', {"1.10": '{"k":1.10}', "n": None}),
        ("STRUCT(a STRUCT(c JSON)[])", '{"a": [{"c": 1.10}, null]}', {"a": [{"c": "1.10"}, None]}),
        ("STRUCT(a VARCHAR[2], b JSON[])", '{"a": [1.10, 2], "b": null}', {"a": ["1.10", "2"], "b": None}),
        ("MAP(VARCHAR, STRUCT(a JSON))", '{"k": {"a": 1.10}, "n": null}', {"k": {"a": "1.10"}, "n": None}),
        ("STRUCT(a DOUBLE, b JSON)", '{"a": 1.10, "b": 1.10}', {"a": 1.1, "b": "1.10"}),
    ],
)
def test_a_number_is_its_text_however_deep_it_is(tmp_path: Path, kind: str, value: str, expected: object) -> None:
    (tmp_path / "a.json").write_text(f'[{{"x": null}}, {{"x": {value}}}]')

    assert [(None,), (expected,)] == landed(ingest_source(tmp_path, json_source({"x": kind})))


def test_what_does_not_fit_within_a_struct_is_shown_as_it_came(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"x": {"a": 1.10, "b": 12.345}}]')
    source = json_source({"x": "STRUCT(a VARCHAR, b DECIMAL(12,2))"})

    with pytest.raises(ContractError, match=r"""'\{"a":"1.10","b":"12.345"\}' is not a STRUCT"""):
        ingest_source(tmp_path, source)

    manifest = ingest_source(tmp_path, source | {"schema_contract": {"data_type": "evolve"}}, run_id="again")
    assert [(None, '{"a":"1.10","b":"12.345"}')] == landed(manifest, "x, x__text")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("DECIMAL(12,2)", "12.3400000000000000001"),
        ("DECIMAL(12,2)", "9999999999.9900001"),
        ("DECIMAL(18,0)", "123456789012345678.1"),
        ("BIGINT", "9007199254740993.5"),
        ("BIGINT", "1.00000000000000000001"),
        ("DECIMAL(12,2)[]", "[12.3400000000000000001]"),
        ("STRUCT(a BIGINT)", '{"a": 1.00000000000000000001}'),
    ],
)
def test_a_tail_that_only_a_double_forgets_is_a_misfit(tmp_path: Path, kind: str, value: str) -> None:
    (tmp_path / "a.json").write_text(f'[{{"x": null}}, {{"x": {value}}}]')

    with pytest.raises(ContractError, match=r'a\.json: row 2: column "x": .* is not a'):
        ingest_source(tmp_path, json_source({"x": kind}))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"', "\\", '": 1.50,', "[1.50]"]
)
NUMBERS = st.builds(
    lambda whole, fraction, power: f"{whole}.{fraction}{power}",
    st.integers(-(10**20), 10**20),
    st.text("0123456789", min_size=1, max_size=12),
    st.sampled_from(["", "e5", "E-3", "e+2"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(TEXTS, NUMBERS, st.booleans()), min_size=1, max_size=8), st.sampled_from([7, 64, 1000]))
def test_numbers_and_texts_come_through_however_the_file_is_cut_into_pieces(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, bool]], piece: int
) -> None:
    root = tmp_path_factory.mktemp("exact")
    records = [
        f'{{"text": {json.dumps(text, ensure_ascii=is_ascii)}, "number": {number}, "in": [{number}], "wide": 1}}'
        for text, number, is_ascii in rows
    ]
    (root / "a.json").write_text(f"[{', '.join(records)}]", encoding="utf-8")
    columns = {"text": "VARCHAR", "number": "VARCHAR", "in": "VARCHAR[]", "wide": WIDE}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_numbers, "PIECE", piece)
        patch.setattr(changed_numbers, "PIECE", piece)
        found = landed(ingest_source(root, json_source(columns)))

    assert [(text, number, [number], 1) for text, number, _ in rows] == found


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(NUMBERS, min_size=1, max_size=4), st.sampled_from([7, 64, 1000]))
def test_a_number_is_landed_as_it_is_written_or_is_a_misfit(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[str], piece: int
) -> None:
    root = tmp_path_factory.mktemp("values")
    records = [f'{{"x": {number}, "about": [{number}], "near": {number}}}' for number in numbers]
    (root / "a.json").write_text("\n".join(records))
    columns = {"x": "DECIMAL(12,2)", "about": "JSON", "near": "DOUBLE"}
    source = json_source(columns) | {"schema_contract": {"data_type": "discard_value"}}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changed_numbers, "PIECE", piece)
        found = landed(ingest_source(root, source))

    assert [(f"[{number}]", float(number)) for number in numbers] == [(about, near) for _, about, near in found]
    fits = [Decimal(number) == round(Decimal(number), 2) and abs(Decimal(number)) < 10**10 for number in numbers]
    assert [Decimal(number) if is_fit else None for number, is_fit in zip(numbers, fits, strict=True)] == [
        value for value, _, _ in found
    ]
