"""A DuckLake whose data lies in S3: the catalog on PostgreSQL, the rows in a bucket of a server of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dataflow.warehouse.extract import extract
from dataflow.warehouse.snapshot import publish, snapshot_of_table
from kit.databases import lake_settings
from kit.store import Bucket, bucket
from kit.warehouse import House, day

pytestmark = pytest.mark.postgres

ROWS = 5_000
"""Few rows stay in the catalog; so many become files."""


@pytest.fixture
def store() -> Iterator[Bucket]:
    with bucket() as made:
        yield made


@pytest.fixture
def house(tmp_path: Path, store: Bucket) -> Iterator[House]:
    with lake_settings() as setting:
        yield House(tmp_path / "house", lake=setting, data=store.place("marts/lake"))


def orders(first: int, last: int, amount: int) -> str:
    return f"SELECT i AS id, {amount} AS amount, to_timestamp(0) AS at FROM range({first}, {last}) t(i)"


def test_rows_are_loaded_into_the_bucket_read_from_it_and_published(house: House, store: Bucket):
    merge = {"mode": "merge", "key": ("id",), "newest_by": "at", "windowed": True}
    house.load(orders(0, ROWS, 1), **merge)
    again = house.load(orders(ROWS // 2, 2 * ROWS, 2), **merge, run_id="r2", window=day(1))

    assert (ROWS * 3 // 2, 2 * ROWS) == (again.rows_written, again.rows_after)
    assert [(1, ROWS // 2), (2, ROWS * 3 // 2)] == house.rows(
        "SELECT amount, count(*) FROM staging_shop.orders GROUP BY ALL ORDER BY ALL"
    )
    data = [name for name in store.names() if name.endswith(".parquet")]
    assert data
    assert all(name.startswith("marts/lake/") for name in store.names())
    assert not list(house.root.rglob("lake/**/*.parquet"))

    copies = extract(house.settings, "shop", tables=["orders"], into=house.root / "copies")
    publish(house.settings, "shop", tables=["orders"], run_id="r2")
    for file in (copies["orders"], snapshot_of_table(house.settings, "shop", "orders").parquet("orders")):
        assert (2 * ROWS,) == duckdb.sql(f"SELECT count(*) FROM '{file}'").fetchone()


def test_the_secret_of_the_store_is_in_nothing_that_sql_shows(house: House):
    house.load(orders(0, ROWS, 1))

    shown = house.rows("FROM duckdb_secrets()") + house.rows("FROM duckdb_databases()")

    assert "a-secret-key" not in str(shown)
