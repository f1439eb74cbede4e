"""A warehouse of a test's own, and staged batches to load into it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from dataflow.identifiers import literal
from dataflow.interval import Interval
from dataflow.settings import Settings
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.load import LoadRequest, LoadResult, load

START = datetime(2025, 1, 1, tzinfo=UTC)


def day(number: int, *, days: int = 1) -> Interval:
    """Give a window of whole days; day 0 is 2025-01-01."""
    return Interval(START + timedelta(days=number), START + timedelta(days=number + days))


def loaded_rows(settings: Settings, workflow: str, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
    """Give the loaded rows of tables, but for the run's id, so that those of two houses can be compared."""
    with open_warehouse(settings, purpose="look") as connection:
        return {
            table: connection.execute(
                f"SELECT * EXCLUDE (_dataflow_run) FROM staging_{workflow}.{table} ORDER BY ALL"
            ).fetchall()
            for table in tables
        }


class House:
    """A warehouse of its own."""

    def __init__(self, root: Path, *, lake: str = "", data: object = ".dataflow/lake") -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        if lake:
            env = f"DATAFLOW_WAREHOUSE={lake}\nDATAFLOW_WAREHOUSE_DATA={data}\n"
            (root / ".env").write_text(env, encoding="utf-8")
        self.settings = Settings.load(root)
        self.staged = 0

    def stage(self, query: str) -> list[str]:
        """Write a query's rows as a staged file."""
        self.staged += 1
        file = self.root / f"staged-{self.staged}.parquet"
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"COPY ({query}) TO {literal(str(file))} (FORMAT parquet)")
        return [str(file)]

    def load(self, query: str, **given: Any) -> LoadResult:
        """Load a query's rows into shop.orders; by default by replace, for day 0, as run r1."""
        how = {"before_commit": given.pop("before_commit")} if "before_commit" in given else {}
        request = {"workflow": "shop", "table": "orders", "mode": "replace", "run_id": "r1", "window": day(0), **given}
        staged = LoadRequest(parquet=self.stage(query), **request)
        turn = f"{staged.workflow}.{staged.table}"
        with open_warehouse(self.settings, purpose="load shop.orders", turn=turn) as connection:
            return load(connection, staged, **how)

    def rows(
        self,
        query: str = "SELECT * EXCLUDE (_dataflow_run, _dataflow_window_start, _dataflow_window_end) "
        "FROM staging_shop.orders ORDER BY ALL",
    ) -> list[tuple[Any, ...]]:
        """Give the rows of a query over the warehouse."""
        with open_warehouse(self.settings, purpose="test") as connection:
            return connection.execute(query).fetchall()

    def run(self, *statements: str) -> None:
        """Run statements in the warehouse."""
        with open_warehouse(self.settings, purpose="test") as connection:
            for statement in statements:
                connection.execute(statement)
