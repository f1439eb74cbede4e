"""Which numbers of JSON a double would change, so that their file is read with them marked; no other is."""

from __future__ import annotations

import logging
from pathlib import Path

import duckdb
import pytest

from dataflow.errors import ContractError
from dataflow.sources.files.json_files import read_json_files
from dataflow.sources.reading import SourceFile
from kit.ingest import ingest_source, landed
from kit.json_source import WIDE, json_source


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
