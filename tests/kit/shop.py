"""A workflow that reads orders from a file, quarantines bad ones and loads the others; and what became of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from dataflow.interval import Interval
from dataflow.landing.manifest import part_paths, read_manifest
from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from dataflow.quarantine.records import Quarantined, list_quarantined
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.quarantine.replay import Replayed, replay
from dataflow.runtime.result import RunResult
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.snapshot import snapshot_of_table
from kit.project import Project

__all__ = [
    "APPENDED",
    "BY_DAY",
    "COLUMNS",
    "CORRECTED",
    "INCREMENTAL",
    "KNOWN",
    "LIFTED",
    "MERGED",
    "ORDERS",
    "POSITIVE",
    "Shop",
    "day",
]

COLUMNS = {"order_id": "BIGINT", "status": "VARCHAR", "amount": "DECIMAL(12,2)"}
POSITIVE = {"range": {"column": "amount", "min": 0}, "on_fail": "quarantine"}
KNOWN = {"accepted_values": {"column": "status", "values": ["new", "paid"]}, "on_fail": "quarantine"}
ORDERS = "order_id,status,amount\n1,new,10.00\n2,lost,-5.00\n3,paid,-1.00\n4,paid,7.50\n"
CORRECTED = "_dataflow_row,amount\n1,5.00\n2,1.00\n"
"""What corrects the two rows that `POSITIVE` refuses."""
LIFTED = {"range": {"column": "amount", "min": -100}, "on_fail": "quarantine"}
APPENDED = {"load": {"orders": {"mode": "append"}}}
MERGED = {"load": {"orders": {"mode": "merge", "key": "order_id"}}}
INCREMENTAL = {"incremental": {"cursor": "at"}, "schedule": "@daily"}
BY_DAY = (
    "order_id,status,amount,at\n"
    "1,new,10,2025-01-01T08:00\n2,new,-5,2025-01-01T20:00\n3,new,1,2025-01-02T08:00\n4,new,-2,2025-01-02T20:00\n"
)
"""Two days of orders, of each day one that `POSITIVE` refuses."""


def day(first: int, last: int | None = None) -> Interval:
    """Give a day of January 2025, or the days up to another one."""
    return Interval(datetime(2025, 1, first, tzinfo=UTC), datetime(2025, 1, (last or first) + 1, tzinfo=UTC))


class Shop:
    """The workflow ``shop``; what is written with it stays until it is written anew."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.settings = project.settings()
        self.history = open_history(self.settings.ops)

    def write(self, *checks: dict[str, Any], orders: str = ORDERS, config: Any = None, **modules: str) -> None:
        """Write the config and the file of orders."""
        columns = COLUMNS | {name: "TIMESTAMP" for name in orders.partition("\n")[0].split(",") if name not in COLUMNS}
        given = {
            "description": "Orders.",
            "owner": "tests",
            "schedule": "manual",
            "start_date": "2025-01-01",
            "sources": {"orders": {"type": "file", "format": "csv", "path": "orders.csv", "columns": columns}},
            "validate": {"orders": list(checks)},
            **(config or {}),
        }
        if "incremental" in given:
            given["sources"]["orders"]["incremental"] = given.pop("incremental")
        folder = self.project.write_workflow("shop", given, **modules)
        (folder / "orders.csv").write_text(orders)

    def run(self, *checks: dict[str, Any], window: Interval | None = None, **given: Any) -> RunResult:
        """Run it; written anew where anything is given."""
        if checks or given:
            self.write(*checks, **given)
        return run_workflow(self.project.workflow("shop"), settings=self.settings, window=window)

    def records(self) -> list[Quarantined]:
        """Give what waits."""
        return list_quarantined(self.history, workflow="shop")

    def replay(self, *records: Quarantined, corrected: str | None = None) -> list[Replayed]:
        """Replay these records, or all that wait."""
        file = None
        if corrected is not None:
            file = self.project.write_file("corrected.csv", corrected)
        chosen = records or self.records()
        return replay(self.project.workflow("shop"), chosen, settings=self.settings, corrected=file)

    def loaded(self, columns: str = "order_id", table: str = "orders") -> list[Any]:
        """Give what the warehouse holds, the only column bare."""
        with open_warehouse(self.settings, purpose="test") as connection:
            rows = connection.execute(f"SELECT {columns} FROM staging_shop.{table} ORDER BY ALL").fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]

    def published(self, table: str = "orders") -> list[int]:
        """Give the keys that readers see."""
        path: Path = snapshot_of_table(self.settings, "shop", table).parquet(table)
        return [row[0] for row in duckdb.sql(f"SELECT order_id FROM '{path}' ORDER BY 1").fetchall()]

    def quarantined(self, columns: str = "order_id") -> list[tuple[Any, ...]]:
        """Give the rows that wait."""
        found = []
        for record in self.records():
            paths = part_paths(read_manifest(record.uri))
            found += duckdb.sql(f"SELECT {columns} FROM read_parquet({paths}) ORDER BY ALL").fetchall()
        return found

    def receipt(self, run: RunResult, stage: str) -> tuple[int | None, int | None]:
        """Give the rows that went into a stage and came out of it."""
        found = [each for each in read_run(self.history, run.run_id).stages if each.stage == stage]
        return found[-1].rows_in, found[-1].rows_out
