from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.errors import ContractError, InputError
from dataflow.interval import Interval
from dataflow.landing.current import current_manifest
from dataflow.landing.manifest import verify
from kit.ingest import ingest_source, landed
from kit.landing import DAY, NEW_YEAR, visible

WRITER = """
import sys
from pathlib import Path
from kit.ingest import ingest_source
ingest_source(Path(sys.argv[1]), {"type": "mock", "rows": 10_000_000, "columns": {"id": "BIGINT", "key": "UUID"}})
"""


def csv(cursor: str | None = None, kind: str = "TIMESTAMPTZ") -> dict[str, object]:
    source = {"type": "file", "format": "csv", "path": "orders.csv", "columns": {"id": "BIGINT", "at": kind}}
    return {**source, "incremental": {"cursor": cursor}} if cursor else source


def test_every_row_says_its_run_and_window(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id,at\n1,2025-01-01\n")

    manifest = ingest_source(tmp_path, csv(), run_id="manual__it's")

    ours = landed(manifest, "_dataflow_run, _dataflow_window_start, _dataflow_window_end")
    assert [("manual__it's", DAY.start, DAY.end)] == ours
    expected = {
        "_dataflow_run": "VARCHAR",
        "_dataflow_window_start": "TIMESTAMP WITH TIME ZONE",
        "_dataflow_window_end": "TIMESTAMP WITH TIME ZONE",
    }
    assert expected == {name: kind for name, kind in manifest.columns.items() if name.startswith("_dataflow")}


def test_rows_outside_of_the_range_are_cut_counted_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    moments = ["2024-12-31T23:59:59Z", "2025-01-01T00:00:00Z", "2025-01-01T23:59:59.999999Z", "2025-01-02T00:00:00Z"]
    (tmp_path / "orders.csv").write_text("id,at\n" + "".join(f"{n},{at}\n" for n, at in enumerate(moments)))

    with caplog.at_level(logging.INFO):
        manifest = ingest_source(tmp_path, csv("at"), cursor=DAY)

    assert [(1, DAY.start), (2, DAY.end - timedelta(microseconds=1))] == landed(manifest, "id, _dataflow_cursor")
    assert 2 == manifest.cut_rows
    assert f"left out 2 rows outside of the range {DAY}" in caplog.messages


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMPTZ", "VARCHAR"])
def test_dates_and_plain_timestamps_are_taken_as_utc(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    (tmp_path / "orders.csv").write_text("id,at\n1,2024-12-31\n2,2025-01-01\n3,2025-01-02\n")

    manifest = ingest_source(tmp_path, csv("at", kind), cursor=DAY)

    monkeypatch.undo()
    time.tzset()
    assert [(2, DAY.start)] == landed(manifest, "id, _dataflow_cursor")
    assert "TIMESTAMP WITH TIME ZONE" == manifest.columns["_dataflow_cursor"]


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seconds=st.lists(st.integers(-5, 15), max_size=60), start=st.integers(0, 5), width=st.integers(1, 5))
def test_what_is_landed_and_what_is_cut_are_all_rows(tmp_path: Path, seconds: list[int], start: int, width: int):
    moments = [NEW_YEAR + timedelta(seconds=second) for second in seconds]
    cursor = Interval(NEW_YEAR + timedelta(seconds=start), NEW_YEAR + timedelta(seconds=start + width))
    source = {"type": "python", "columns": {"at": "TIMESTAMPTZ"}, "incremental": {"cursor": "at"}}

    manifest = ingest_source(tmp_path, source, cursor=cursor, rows=lambda: [{"at": moment} for moment in moments])

    inside = [moment for moment in moments if moment in cursor]
    assert inside == [at for (at,) in landed(manifest, '"at"')]
    assert len(moments) - len(inside) == manifest.cut_rows


def test_rows_are_counted_once_where_many_are_cut(tmp_path: Path):
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select range as id, timestamp '2025-01-01' + to_seconds(range) as at from range(500000)) "
            f"to '{tmp_path}/orders.csv' (header)"
        )

    manifest = ingest_source(tmp_path, csv("at", "TIMESTAMP"), cursor=DAY)

    assert (86_400, 413_600) == (manifest.rows, manifest.cut_rows)


def test_a_null_cursor_is_told(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id,at\n1,2025-01-01\n2,\n3,\n")

    with pytest.raises(ContractError, match='the cursor column "at" is NULL in 2 of 3 rows'):
        ingest_source(tmp_path, csv("at"), cursor=DAY)

    assert [] == visible(tmp_path / "landing")


@pytest.mark.parametrize(("cursor", "told"), [("when", 'no column "when"; there are id, at'), ("id", '"id" is BIGINT')])
def test_a_cursor_that_is_no_time_is_told(tmp_path: Path, cursor: str, told: str):
    (tmp_path / "orders.csv").write_text("id,at\n1,2025-01-01\n")

    with pytest.raises(ContractError, match=told):
        ingest_source(tmp_path, csv(cursor), cursor=DAY)


def test_an_incremental_source_needs_its_range(tmp_path: Path):
    with pytest.raises(InputError, match="say which range to read"):
        ingest_source(tmp_path, csv("at"))


def test_an_incremental_function_without_rows_gives_an_empty_batch(tmp_path: Path):
    source = {"type": "python", "incremental": {"cursor": "at"}}

    manifest = ingest_source(tmp_path, source, cursor=DAY, rows=list)

    assert (0, 0) == (manifest.rows, manifest.cut_rows)
    assert "TIMESTAMP WITH TIME ZONE" == manifest.columns["_dataflow_cursor"]


def publish(root: Path, query: str) -> None:
    """Write a snapshot as the warehouse does."""
    folder = root / "published" / "sales"
    (folder / "v1").mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{folder}/v1/daily.parquet' (format parquet)")
    tables = {"daily": {"rows": 1, "columns": {}}}
    (folder / "current.json").write_text(json.dumps({"version": "v1", "run_id": "run", "tables": tables}))


def test_a_published_table_is_read_without_columns_of_ours(tmp_path: Path):
    publish(tmp_path, "select 1 as id, 'other' as _dataflow_run")

    manifest = ingest_source(tmp_path, {"type": "published", "table": "sales.daily"})

    assert [(1, "run")] == landed(manifest, "id, _dataflow_run")


@pytest.mark.parametrize(
    ("table", "told"),
    [("sales.weekly", "published table sales.weekly: .*daily"), ("none.daily", "published table none.daily: .*run it")],
)
def test_a_table_that_is_not_published_is_told(tmp_path: Path, table: str, told: str):
    publish(tmp_path, "select 1 as id")

    with pytest.raises(ContractError, match=told):
        ingest_source(tmp_path, {"type": "published", "table": table})


def test_only_files_of_this_machine_are_read(tmp_path: Path):
    source = csv() | {"path": "ftp://host/orders.csv"}

    with pytest.raises(ContractError, match="only files of this machine"):
        ingest_source(tmp_path, source)


@pytest.mark.slow
def test_a_killed_ingest_leaves_nothing_visible_and_a_retry_is_clean(tmp_path: Path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], env=environment)
    landing = tmp_path / "landing"

    until = time.monotonic() + 60
    while not sum(path.stat().st_size for path in landing.rglob("*.tmp")) > 1_000_000 and time.monotonic() < until:
        assert writer.poll() is None, "the writer was done before it was killed"
        time.sleep(0.005)
    writer.send_signal(signal.SIGKILL)
    writer.wait()

    assert [] == visible(landing)
    assert current_manifest(landing, "shop", "orders", DAY) is None

    for left in (tmp_path / "scratch").iterdir():
        left.rmdir()
    manifest = ingest_source(tmp_path, {"type": "mock", "columns": {"id": "BIGINT"}})

    verify(manifest)
    assert manifest == current_manifest(landing, "shop", "orders", DAY)
    assert datetime.now(UTC) - manifest.created_at < timedelta(minutes=5)
