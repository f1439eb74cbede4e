"""Whoever watches a run is told how much was read so far, and the log has it now and then."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dataflow.sources import so_far
from dataflow.sources.so_far import SoFar
from kit.ingest import ingest_source

LOG = logging.getLogger("dataflow.test")


def batches() -> Iterator[list[dict[str, Any]]]:
    for batch in range(3):
        yield [{"id": batch * 100_000 + number} for number in range(100_000)]


def test_rows_of_a_function_are_told_as_they_come(tmp_path: Path) -> None:
    said: list[str] = []

    ingest_source(tmp_path, {"type": "python", "columns": {"id": "BIGINT"}}, rows=batches, watch=said.append)

    assert ["100,000 rows", "200,000 rows", "300,000 rows"] == [text for text in said if text.endswith("rows")]


def test_amounts_read_as_one_would_say_them() -> None:
    read = SoFar("orders", LOG)
    read.add(pages=1, records=1, size=999)
    once = str(read)
    read.add(pages=1, records=1000, size=1_200_000)

    assert ("1 page, 1 record, 999 bytes", "2 pages, 1,001 records, 1.2 MB") == (once, str(read))


def test_the_log_has_it_every_few_seconds_and_not_each_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(so_far, "TELL_SECONDS", 0.2)
    caplog.set_level(logging.INFO)
    read = SoFar("orders", LOG)
    for _ in range(3):
        read.add(files=1)
    time.sleep(0.25)
    read.add(files=1)

    assert ["orders: so far 4 files"] == caplog.messages


def test_what_is_being_written_is_told_while_nobody_counts_rows(tmp_path: Path) -> None:
    said: list[str] = []
    with SoFar("orders", LOG, said.append).written_to(tmp_path):
        (tmp_path / "part-0000.parquet.tmp").write_bytes(b"x" * 2_000)
        time.sleep(so_far.LOOK_SECONDS * 2.5)
    after = len(said)
    time.sleep(so_far.LOOK_SECONDS * 1.5)

    assert {"2.0 kB of Parquet written"} == set(said)
    assert after == len(said), "nobody looks any more once it is written"
