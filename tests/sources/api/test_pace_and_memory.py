"""How fast, how far and in how much memory an API is read."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from dataflow.errors import TransientError
from kit.api_source import api_source, read, refused
from kit.ingest import ingest_source
from kit.unruly_api import UnrulyApi, says


def test_requests_keep_the_rate(tmp_path: Path, api: UnrulyApi) -> None:
    read(tmp_path, api, rate_limit="10/s")

    assert api.moments[-1] - api.moments[0] >= 0.2 * 0.9


def test_a_rate_that_leaves_no_time_is_told_at_once(tmp_path: Path, api: UnrulyApi) -> None:
    began = time.monotonic()

    told = refused(tmp_path, api, TransientError, rate_limit="1/m", timeout={"total": "20s"})

    assert "orders: page 2: not done within 20s; raise timeout.total, or ask for less" == told
    assert time.monotonic() - began < 10


def test_how_far_we_are_is_told(tmp_path: Path, api: UnrulyApi, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        read(tmp_path, api)

    assert "orders: 3 pages, 3 records, 30 bytes" in caplog.messages


@pytest.mark.slow
def test_ten_times_the_pages_take_no_more_memory(tmp_path: Path) -> None:
    """What Python holds at most while pages are read; DuckDB's own memory is bounded by its settings.

    The server is of the same process, so its threads' answers count too; the 180 pages more are 41 MB.
    """
    few, many = (_peak_of(tmp_path / str(pages), pages) for pages in (20, 200))

    assert many < few + 8_000_000, f"{few} bytes for 20 pages, {many} for 200"


def _peak_of(folder: Path, pages: int) -> int:
    import tracemalloc

    page = [{"id": n, "text": "x" * 200} for n in range(1000)]
    with UnrulyApi() as api:

        def serve(handler: Any) -> None:
            following = {} if len(api.asked) == pages else {"next": len(api.asked)}
            says({"items": page, **following})(handler)

        api.routes["/orders"] = serve
        folder.mkdir()
        paging = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
        tracemalloc.start()
        try:
            manifest = ingest_source(folder, api_source(api, pagination=paging, columns={"id": "BIGINT"}))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert pages * 1000 == manifest.rows
    return peak
