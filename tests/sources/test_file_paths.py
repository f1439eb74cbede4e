"""Which files a source reads: a name, a pattern, a packed one; and how they are called when one is broken."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from dataflow.errors import ContractError
from kit.csv_source import csv
from kit.ingest import ingest_source, landed
from kit.memory import takes_at_most


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
