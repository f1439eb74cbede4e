"""Ingest a source as a run would, and read back what was landed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
from pydantic import TypeAdapter

from dataflow.interval import Interval
from dataflow.landing.manifest import Manifest, part_paths, verify
from dataflow.settings import Settings
from dataflow.sources.ingest import IngestRequest, ingest
from dataflow.sources.request import SetAside
from dataflow.spec.sources import Source
from kit.landing import DAY

SOURCE: TypeAdapter[Any] = TypeAdapter(Source)


def ingest_source(
    root: Path,
    source: dict[str, Any],
    *,
    rows: Callable[[], Iterable[object]] | None = None,
    window: Interval = DAY,
    cursor: Interval | None = None,
    run_id: str = "run",
    allowed_hosts: str = "127.0.0.1",
    set_aside: Callable[[duckdb.DuckDBPyConnection, str, Mapping[str, str], Path], SetAside] | None = None,
    watch: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Ingest ``shop.orders``; relative paths begin at ``root``, where landing and scratch lie too."""
    settings = Settings(
        project=root,
        landing=root / "landing",
        scratch=root / "scratch",
        published=root / "published",
        allowed_hosts=allowed_hosts,
    )
    request = IngestRequest(
        workflow="shop",
        table="orders",
        source=SOURCE.validate_python(source),
        folder=root,
        window=window,
        cursor=cursor,
        run_id=run_id,
        try_number=1,
        settings=settings,
        rows=rows,
        log=logging.getLogger("dataflow.test"),
        set_aside=set_aside,
        watch=watch,
    )
    manifest = ingest(request)
    verify(manifest)
    assert [] == list(settings.scratch.iterdir())
    return manifest


def ingest_rows(root: Path, rows: Any, columns: dict[str, str] | None = None) -> Manifest:
    """Ingest what an author's function gives; ``rows`` is that, or the function."""
    function = rows if callable(rows) else lambda: rows
    return ingest_source(root, {"type": "python", "columns": columns or {}}, rows=function)


def landed(
    manifest: Manifest, columns: str = "* exclude (_dataflow_run, _dataflow_window_start, _dataflow_window_end)"
) -> list[tuple[Any, ...]]:
    """Give the rows of a batch, by default without our own columns."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(
            f"select {columns} from read_parquet({part_paths(manifest)}, hive_partitioning = false)"
        ).fetchall()
