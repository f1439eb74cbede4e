"""Numbers of JSON keep every digit beside a wide DECIMAL, and in a column of texts, wherever the JSON comes from."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from kit.api_source import read
from kit.ingest import ingest_source, landed
from kit.json_source import WIDE, json_source
from kit.unruly_api import UnrulyApi, says

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
