"""Line ends of a CSV: each kind is read, two kinds in one file are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.csv_source import csv, refused
from kit.ingest import ingest_source, landed


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
