"""Values of the reader's options are judged as the DuckDB that is installed judges them."""

from __future__ import annotations

import string
from pathlib import Path

import duckdb
import pytest

from dataflow.spec.reader_values import ENCODINGS, faults_of_values
from dataflow.spec.time_formats import SPECIFIERS, fault_of_time_format


def test_the_specifiers_are_those_of_duckdb():
    known = set()
    with duckdb.connect() as connection:
        for word in [each + letter for each in ("", "-") for letter in string.ascii_letters + "%"]:
            try:
                connection.execute("SELECT try_strptime('x', ?)", ["%" + word])
            except duckdb.Error:
                continue
            known.add(word)

    assert known == SPECIFIERS


def test_the_encodings_are_those_of_duckdb(tmp_path: Path):
    file = tmp_path / "it.csv"
    file.write_text("a\n1\n")

    with duckdb.connect() as connection, pytest.raises(duckdb.Error) as caught:
        connection.execute("FROM read_csv(?, encoding = 'none')", [str(file)])

    told = str(caught.value).partition("currently supported encodings are:")[2].split("*")[1:]
    assert set(ENCODINGS) == {name.split()[0] for name in told}


@pytest.mark.parametrize(
    ("form", "meant"),
    [
        ("DD.MM.YYYY", "%d.%m.%Y"),
        ("dd.mm.yyyy", "%d.%m.%Y"),
        ("yyyyMMdd", "%Y%m%d"),
        ("d/M/yy", "%d/%m/%y"),
        ("dd MMM yyyy", "%d %b %Y"),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "%Y-%m-%dT%H:%M:%S%z"),
        ("YYYY-MM-DD HH24:MI:SS", "%Y-%m-%d %H:%M:%S"),
        ("MM/dd/yyyy hh:mm a", "%m/%d/%Y %I:%M %p"),
        ("dd.MM.yyyy HH:mm:ss.SSS", "%d.%m.%Y %H:%M:%S.%f"),
        ("%e.%m.%Y", "%d.%m.%Y"),
        ("%F %H:%i:%s", "%Y-%m-%d %H:%M:%S"),
    ],
)
def test_a_format_in_the_words_of_others_is_translated(form: str, meant: str):
    fault = fault_of_time_format(form)

    assert fault is not None
    assert f"write '{meant}'" == fault[1]
    assert fault_of_time_format(meant) is None


@pytest.mark.parametrize("form", ["DD-MON-YYYY", "iso", "TT.MM.JJJJ", "HH:MM:SS", "%Q", "%d.%m.%", "yyy", ""])
def test_a_format_that_nobody_can_translate_is_refused_all_the_same(form: str):
    fault = fault_of_time_format(form)

    assert fault is not None
    assert not fault[1].startswith("write '")


@pytest.mark.parametrize("name", ["latin1", "ISO-8859-1", "l1", "latin_1"])
def test_an_encoding_by_another_of_its_names_is_told_with_duckdbs(name: str):
    assert [("encoding", (f"DuckDB reads no '{name}'", "write latin-1"))] == list(faults_of_values({"encoding": name}))


def test_values_that_the_reader_takes_are_let_be():
    options = {
        "encoding": "UTF-8", "dateformat": "%-d.%m.%Y", "timestampformat": "%Y-%m-%dT%H:%M:%S.%f", "quote": "",
        "delim": "\t", "nullstr": ["", "-"], "skip": 0, "header": False, "thousands": ".", "decimal_separator": ",",
    }  # fmt: skip

    assert [] == list(faults_of_values(options))
