"""The scratch connection shows a task its tables and nothing else of the machine."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dataflow.duckdb_memory import Memory
from dataflow.errors import FatalError
from dataflow.transforms.connection import open_scratch

MEMORY = Memory(256_000_000)


@pytest.fixture
def parquet(tmp_path):
    def write(name: str, sql: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")
        return str(path)

    return write


def test_tables_and_batches_are_seen_by_their_names(tmp_path, parquet):
    loaded = parquet("scratch/orders.parquet", "SELECT 1 AS id")
    parts = [parquet(f"landing/day=1/part-{n}.parquet", f"SELECT {n} AS id") for n in (2, 3)]

    with open_scratch(
        tmp_path / "scratch", memory=MEMORY, views={"orders": [loaded], "batch.orders": parts}
    ) as connection:
        whole = connection.execute("SELECT * FROM orders").fetchall()
        batch = connection.execute("SELECT * FROM batch.orders ORDER BY id").fetchall()

    assert [(1,)] == whole
    assert [(2,), (3,)] == batch


def test_sessions_are_in_utc(tmp_path):
    with open_scratch(tmp_path, memory=MEMORY, views={}) as connection:
        assert ("UTC",) == connection.execute("SELECT current_setting('TimeZone')").fetchone()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM glob('{secret}')",
        "COPY (SELECT 1) TO '{secret}'",
        "ATTACH '{secret}.duckdb'",
        "INSTALL httpfs",
        "SELECT * FROM 'https://example.invalid/x.parquet'",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET TimeZone = 'Asia/Tokyo'",
        "SELECT getenv('HOME')",
        "SELECT * FROM local_frame",
    ],
)
def test_sql_reaches_nothing_else(tmp_path, parquet, sql):
    secret = parquet("elsewhere/secret.parquet", "SELECT 42 AS secret")
    before = Path(secret).stat().st_mtime_ns
    local_frame = [secret]  # DuckDB would read a caller's variable

    with open_scratch(tmp_path / "scratch", memory=MEMORY, views={}) as connection, pytest.raises(duckdb.Error):
        connection.execute(sql.format(secret=secret)).fetchall()

    assert [secret] == local_frame
    assert before == Path(secret).stat().st_mtime_ns


def test_data_frames_may_be_registered(tmp_path):
    import pandas as pd

    with open_scratch(tmp_path, memory=MEMORY, views={}) as connection:
        connection.register("made", pd.DataFrame({"n": [1, 2]}))

        assert (3,) == connection.execute("SELECT sum(n) FROM made").fetchone()


def test_a_table_without_files_is_told(tmp_path):
    with pytest.raises(FatalError, match=r"batch\.orders: no file holds its rows"):
        open_scratch(tmp_path, memory=MEMORY, views={"batch.orders": []})
