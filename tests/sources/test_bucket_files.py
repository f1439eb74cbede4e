"""Files of a source that lie in S3 are read by the same readers, and errors name them as they are called there."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dataflow.errors import ContractError, FatalError, TransientError
from kit.ingest import ingest_source, landed
from kit.store import Bucket, bucket, connect, disconnect, proxy

COLUMNS = {"id": "BIGINT", "name": "VARCHAR"}


@pytest.fixture
def store() -> Iterator[Bucket]:
    """An empty bucket."""
    with bucket() as made:
        yield made


def csv_of(path: str, **more: object) -> dict[str, object]:
    return {"type": "file", "path": path, "format": "csv", "columns": COLUMNS, **more}


def test_all_files_of_a_pattern_are_read(store: Bucket, tmp_path: Path):
    store.put("orders/2.csv", "id,name\n2,two\n")
    store.put("orders/1.csv.gz", gzip.compress(b"id,name\n1,one\n"))
    store.put("orders/later/3.csv", "id,name\n3,three\n")

    manifest = ingest_source(tmp_path, csv_of(str(store.place("orders/*.csv*"))))

    assert [(1, "one"), (2, "two")] == sorted(landed(manifest))


def test_the_connection_may_stand_beside_the_path(store: Bucket, tmp_path: Path):
    store.put("orders.csv", "id,name\n1,one\n")

    path = f"s3://{store.name}/orders.csv"
    manifest = ingest_source(tmp_path, csv_of(path, connection=store.connection))

    assert [(1, "one")] == landed(manifest)


def test_parquet_brings_its_own_types(store: Bucket, tmp_path: Path):
    duckdb.sql("select 1::smallint as id").write_parquet(str(tmp_path / "x.parquet"))
    store.put("x.parquet", (tmp_path / "x.parquet").read_bytes())

    manifest = ingest_source(tmp_path, {"type": "file", "path": str(store.place("x.parquet")), "format": "parquet"})

    assert "SMALLINT" == manifest.columns["id"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("id,name\n1,one\nx,two\n", r'line 3: column "id": \'x\' is not a BIGINT'),
        ("id,name\n1\n", "fields where the header has 2"),
        ("<!doctype html>", "a web page, not data"),
        ("", "empty, without even a header"),
    ],
)
def test_errors_name_the_file_as_it_is_called_there(store: Bucket, tmp_path: Path, content: str, told: str):
    store.put("orders/good.csv", "id,name\n1,one\n")
    store.put("orders/wrong.csv", content)

    with pytest.raises(ContractError, match=rf"s3://.*/orders/wrong\.csv: .*{told}"):
        ingest_source(tmp_path, csv_of(str(store.place("orders/*.csv"))))


def test_no_file_is_told(store: Bucket, tmp_path: Path):
    with pytest.raises(ContractError, match=r"no file s3://.*/orders/\*\.csv; put it there"):
        ingest_source(tmp_path, csv_of(str(store.place("orders/*.csv"))))


def test_a_bucket_and_a_connection_that_are_not_there_are_told(store: Bucket, tmp_path: Path):
    with pytest.raises(FatalError, match="there is no bucket 'nowhere'"):
        ingest_source(tmp_path, csv_of(f"s3://{store.connection}@nowhere/orders.csv"))
    with pytest.raises(FatalError, match="there is no connection 'nobody'"):
        ingest_source(tmp_path, csv_of("s3://nobody@lake/orders.csv"))


def test_a_store_that_breaks_off_is_asked_again_and_one_that_is_gone_may_come_back(store: Bucket, tmp_path: Path):
    store.put("orders.csv", "id,name\n" + "".join(f"{number},x\n" for number in range(5_000)))
    with proxy(store.port) as before:
        connection = connect(before.port, tries=2)
        path = f"s3://{connection}@{store.name}/orders.csv"
        before.fail("cut the answer", times=2, method="GET", of="/orders.csv")
        assert 5_000 == ingest_source(tmp_path, csv_of(path)).rows

        before.fail("503", times=100)
        with pytest.raises(TransientError, match="SlowDown"):
            ingest_source(tmp_path, csv_of(path), run_id="another")
        disconnect(connection)
