"""A workflow on servers: landing and data in S3, a DuckLake on PostgreSQL, run history there too, copies in S3."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import sqlalchemy as sa

from dataflow.landing.manifest import MANIFEST, local_files, read_manifest, verify
from dataflow.modelling.compile import compile_models
from dataflow.ops.history import open_history
from dataflow.ops.reading import list_runs
from dataflow.quarantine.records import list_quarantined
from dataflow.s3 import objects
from dataflow.s3.place import S3Place
from dataflow.settings import Settings
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.snapshot import current_snapshot
from kit.moments import Moments
from kit.project import DAILY, Project
from kit.store import bucket, connect, disconnect, proxy
from kit.tcp_proxy import breakable_line

__all__ = ["Sales", "differences", "two_places"]

ROWS = 3_000
"""Few rows stay in the lake's catalog; so many become files."""
CONFIG: Mapping[str, Any] = {
    **DAILY,
    "description": "Made-up sales and visits.",
    "sources": {
        # The slots are the same every day, so a merge changes every row; visits only ever become more.
        "sales": {
            "type": "mock",
            "rows": ROWS,
            "columns": {"slot": "INTEGER", "amount": "DECIMAL(12,2)", "label": "UUID", "sold_at": "TIMESTAMPTZ"},
        },
        "visits": {
            "type": "mock",
            "rows": ROWS,
            "columns": {"visit": "BIGINT", "seconds": "INTEGER", "seen_at": "TIMESTAMPTZ"},
        },
    },
    "validate": {"visits": [{"range": {"column": "seconds", "min": 50}, "on_fail": "quarantine"}]},
    "load": {"sales": {"mode": "merge", "key": "slot", "newest_by": "sold_at"}, "visits": {"mode": "append"}},
    "publish": {"to": "${MARTS}/shop"},
}
MODELS = {
    "daily": """
{{ config(materialized='incremental', unique_key='slot') }}
select slot, amount, label, sold_at, _dataflow_window_end as loaded_until from {{ source('staging', 'sales') }}
{% if is_incremental() %} where _dataflow_window_end > (select max(loaded_until) from {{ this }}) {% endif %}
""",
    "totals": """
select daily.slot, daily.amount, count(visit) as visits
from {{ ref('daily') }} as daily left join {{ source('staging', 'visits') }} on seconds = daily.slot group by all
""",
}
LOADED = {
    "sales": "SELECT * EXCLUDE _dataflow_run FROM staging_shop.sales ORDER BY ALL",
    "visits": "SELECT * EXCLUDE _dataflow_run FROM staging_shop.visits ORDER BY ALL",
    "daily": "FROM shop.daily ORDER BY ALL",
    "totals": "FROM shop.totals ORDER BY ALL",
}


def write_sales(folder: Path) -> Project:
    """Write the workflow ``shop`` and its models."""
    project = Project(folder, dbt=True)
    project.write_workflow("shop", CONFIG)
    for name, sql in MODELS.items():
        project.write_model("shop", name, sql)
    return project


@contextmanager
def two_places(folder: Path, database: sa.URL, moments: Moments) -> Iterator[tuple[Sales, Sales]]:
    """Give two sets of places for what the workflow makes, for clean runs and for others; the moments see all of it."""
    with ExitStack() as open_:
        store = open_.enter_context(bucket())
        before = open_.enter_context(proxy(store.port))
        line = open_.enter_context(breakable_line(str(database.host), int(database.port or 5432)))
        through = S3Place(connect(before.port, tries=2), store.name)
        open_.callback(disconnect, through.connection)
        project = write_sales(folder)
        clean, other = (Sales(project, name, database.set(port=line.port), through) for name in ("clean", "other"))
        clean.create()
        other.create()
        with moments.of(before, line):
            yield clean, other


@dataclass(frozen=True)
class Sales:
    """The workflow's project, and one set of places where it puts what it makes."""

    project: Project
    name: str
    database: sa.URL
    """Of the lake's catalog, each name a schema of its own, and of run history."""
    bucket: S3Place

    @property
    def environment(self) -> dict[str, str]:
        """What says where the places are."""
        plain = self.database.set(drivername="postgresql").render_as_string(hide_password=False)
        history = self.database.update_query_dict({"options": f"-csearch_path={self.name}"})
        return {
            "DATAFLOW_LANDING": str(self.bucket / self.name / "landing"),
            "DATAFLOW_WAREHOUSE": f"ducklake:{plain}?schema=lake_{self.name}",
            "DATAFLOW_WAREHOUSE_DATA": str(self.bucket / self.name / "lake"),
            "DATAFLOW_PUBLISHED": f".dataflow/{self.name}/published",
            "DATAFLOW_SCRATCH": f".dataflow/{self.name}/scratch",
            "DATAFLOW_OPS": history.render_as_string(hide_password=False),
            "MARTS": str(self.bucket / self.name / "marts"),
        }

    @property
    def settings(self) -> Settings:
        """The settings that these make."""
        with self.in_force():
            return self.project.settings()

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Let them be this process's environment."""
        with mock.patch.dict(os.environ, self.environment):
            yield

    def create(self) -> None:
        """Make what ``dataflow init`` makes."""
        engine = sa.create_engine(self.database)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {self.name}")
        engine.dispose()
        open_history(self.settings.ops).create()
        create_warehouse(self.settings, ["shop"])
        assert [] == compile_models(self.settings, [self.project.workflow("shop")])

    def made(self, scratch: Path) -> Iterator[tuple[str, list[Any]]]:
        """Give all that can be seen of the workflow, each by name, its rows in order."""
        with open_warehouse(self.settings, purpose="test") as connection:
            for name, query in LOADED.items():
                yield f"table {name}", _as_text(connection, query)
        snapshot = current_snapshot(self.settings, "shop")
        assert snapshot is not None
        with duckdb.connect(snapshot.database, read_only=True) as connection:
            for name in sorted(snapshot.tables):
                yield f"snapshot {name}", _as_text(connection, f"FROM {name} ORDER BY ALL")
                yield f"Parquet {name}", _as_text(connection, f"FROM '{snapshot.parquet(name)}' ORDER BY ALL")
        marts = self.bucket / self.name / "marts" / "shop"
        pointer = json.loads(objects.read(marts / "current.json") or b"{}")
        for name, table in sorted(pointer["tables"].items()):
            copy = scratch / f"{self.name}-{name}.parquet"
            assert (table["bytes"], table["sha256"]) == objects.fetch(marts / table["path"], copy)
            with duckdb.connect() as connection:
                yield f"copy {name}", _as_text(connection, f"FROM '{copy}' ORDER BY ALL")
        with duckdb.connect() as connection:
            waiting = list_quarantined(open_history(self.settings.ops), workflow="shop", only_open=True)
            for record in sorted(waiting, key=lambda each: each.key.window.start):
                files = local_files(read_manifest(record.uri), scratch / hashlib.md5(record.uri.encode()).hexdigest())
                query = f"SELECT visit, seconds, seen_at FROM read_parquet({files}) ORDER BY ALL"
                yield f"quarantine {record.key.window}", _as_text(connection, query)

    def assert_whole(self) -> None:
        """See that every run completed, once a window, and that what is committed in the landing is whole."""
        runs = list_runs(open_history(self.settings.ops), workflow="shop")
        assert {"COMPLETED"} == {run.status for run in runs}
        assert len(runs) == len({run.window for run in runs})
        for found in objects.list_below(self.bucket / self.name / "landing"):
            if found.place.key.endswith(f"/{MANIFEST}"):
                verify(read_manifest(str(found.place)))


def differences(clean: Sales, other: Sales, scratch: Path) -> list[str]:
    """Give the names of what is not the same, row by row: tables, snapshots, copies, quarantined rows."""
    expected, actual = dict(clean.made(scratch)), dict(other.made(scratch))
    assert {len(LOADED), 2} <= {len(LOADED), sum(name.startswith("copy") for name in expected)}
    return sorted(name for name in expected.keys() | actual.keys() if expected.get(name) != actual.get(name))


def _as_text(connection: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    connection.execute("SET TimeZone = 'UTC'")
    return connection.execute(f"SELECT columns(*)::VARCHAR FROM ({query})").fetchall()
