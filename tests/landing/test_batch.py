from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dataflow.errors import LandingError
from dataflow.landing.batch import write_batch
from dataflow.landing.current import current_manifest
from dataflow.landing.manifest import part_paths, read_manifest, verify
from kit.landing import DAY, land, visible

WRITER = """
import sys
from pathlib import Path
from kit.landing import land
land(Path(sys.argv[1]), "select range as id, md5(range::varchar) as text from range(30000000)")
"""


def batch_of(landing: Path):
    return write_batch(
        landing, workflow="shop", table="orders", window=DAY, run_id="run", try_number=1, scratch=landing.parent
    )


def test_a_batch_holds_the_rows_of_its_query(tmp_path: Path):
    manifest = land(tmp_path, "select range as id from range(5)")

    rows = duckdb.sql(f"select id from read_parquet({part_paths(manifest)}, hive_partitioning = false)").fetchall()

    assert [(0,), (1,), (2,), (3,), (4,)] == rows
    assert sum(Path(path).stat().st_size for path in part_paths(manifest)) == manifest.bytes


def test_a_batch_of_no_rows_keeps_its_columns(tmp_path: Path):
    manifest = land(tmp_path, "select 1::bigint as id, 'x' as name where false")

    assert 0 == manifest.rows
    assert {"id": "BIGINT", "name": "VARCHAR"} == manifest.columns


@pytest.mark.parametrize(
    ("value", "expected", "kind"),
    [
        ("{0}::HUGEINT", "{0}", "DECIMAL(38,0)"),
        ("[{0}]::UHUGEINT[]", "[{0}]", "DECIMAL(38,0)[]"),
        (
            "{{'HUGEINT': 1, 'b': map {{'k': {0}::HUGEINT}}}}",
            "{{'HUGEINT': 1, 'b': {{k={0}}}}}",
            'STRUCT("HUGEINT" INTEGER, b MAP(VARCHAR, DECIMAL(38,0)))',
        ),
    ],
)
def test_whole_numbers_of_128_bits_keep_every_digit_at_any_depth(tmp_path: Path, value: str, expected: str, kind: str):
    huge = "12345678901234567890123456789012345678"

    manifest = land(tmp_path, f"select {value.format(huge)} as x")

    (found,) = duckdb.sql(f"select x::varchar from read_parquet({part_paths(manifest)})").fetchall()[0]
    assert (expected.format(huge), kind.replace('"', "")) == (found, manifest.columns["x"].replace('"', ""))


def test_several_copies_are_several_parts(tmp_path: Path):
    with duckdb.connect() as connection, batch_of(tmp_path) as batch:
        batch.copy(connection, "select 1 as id")
        batch.copy(connection, "select 2 as id union all select 3")
        manifest = batch.commit()

    assert [("part-0000.parquet", 1), ("part-0001.parquet", 2)] == [(part.name, part.rows) for part in manifest.parts]
    verify(manifest)


def test_parts_of_other_columns_are_refused(tmp_path: Path):
    with duckdb.connect() as connection, batch_of(tmp_path) as batch:
        batch.copy(connection, "select 1 as id")

        with pytest.raises(LandingError, match="has columns"):
            batch.copy(connection, "select 'x' as id")


def test_a_batch_without_any_file_is_refused(tmp_path: Path):
    with pytest.raises(LandingError, match="without any file"), batch_of(tmp_path) as batch:
        batch.commit()


def test_whole_numbers_of_128_bits_keep_every_digit(tmp_path: Path):
    """Parquet has no such type; DuckDB would write a DOUBLE."""
    manifest = land(tmp_path, "select 12345678901234567890123456789::hugeint as id")

    read = duckdb.sql(f"select id from read_parquet({part_paths(manifest)})").fetchall()

    assert [(Decimal(12345678901234567890123456789),)] == read


@pytest.mark.parametrize("leave", ["without a commit", "by an error"])
def test_a_batch_that_is_left_before_its_commit_leaves_nothing(tmp_path: Path, leave: str):
    def write() -> None:
        with duckdb.connect() as connection, batch_of(tmp_path) as batch:
            batch.copy(connection, "select 1 as id")
            if leave == "by an error":
                raise KeyboardInterrupt

    if leave == "by an error":
        with pytest.raises(KeyboardInterrupt):
            write()
    else:
        write()

    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]
    assert current_manifest(tmp_path, "shop", "orders", DAY) is None


def test_two_writers_of_one_window_at_once_give_two_whole_batches(tmp_path: Path):
    manifests = {}

    def write(run_id: str) -> None:
        manifests[run_id] = land(tmp_path, f"select '{run_id}' as run from range(200000)", run_id=run_id)

    threads = [threading.Thread(target=write, args=(f"run{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    current = current_manifest(tmp_path, "shop", "orders", DAY)

    assert current in manifests.values()
    for manifest in manifests.values():
        verify(manifest)
        assert [(manifest.run_id,)] == duckdb.sql(
            f"select distinct run from read_parquet({part_paths(manifest)})"
        ).fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("bytes_seen", [1, 3_000_000])
def test_a_killed_writer_leaves_nothing_visible_and_a_retry_is_clean(tmp_path: Path, bytes_seen: int):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], env=environment)

    def drafted() -> int:
        return sum(path.stat().st_size for path in tmp_path.rglob("*.tmp"))

    until = time.monotonic() + 60
    while drafted() < bytes_seen and writer.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    first = drafted()
    writer.send_signal(signal.SIGKILL)
    writer.wait()

    assert first >= bytes_seen, "the writer was done before it was killed"
    assert -signal.SIGKILL == writer.returncode
    assert [] == visible(tmp_path)
    assert current_manifest(tmp_path, "shop", "orders", DAY) is None

    manifest = land(tmp_path)

    verify(manifest)
    assert manifest == current_manifest(tmp_path, "shop", "orders", DAY)
    assert manifest == read_manifest(manifest.uri)
