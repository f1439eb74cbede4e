"""What the workflows' own tests share: a run of the workflow on its real files, in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow.interval import Interval
from dataflow.loading.load import load_workflow
from dataflow.ops.history import open_history
from dataflow.runtime.local import run_workflow
from dataflow.runtime.result import RunResult
from dataflow.settings import Settings
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.snapshot import current_snapshot

PROJECT = Path(__file__).resolve().parents[2]


class House:
    """A private landing, warehouse, history and snapshots, in which workflows of this project run."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings.load(PROJECT).model_copy(
            update={
                "landing": folder / "landing",
                "warehouse": folder / "warehouse.duckdb",
                "published": folder / "published",
                "scratch": folder / "scratch",
                "ops": f"sqlite:///{folder / 'ops.db'}",
            }
        )
        open_history(self.settings.ops).create()

    def run(self, name: str, *, window: Interval | None = None, params: dict[str, Any] | None = None) -> None:
        """Run a workflow to success."""
        result = self.try_to_run(name, window=window, params=params)
        if result.status != "success":
            pytest.fail(f"{name} {result.status}: {result.error}")

    def try_to_run(
        self, name: str, *, window: Interval | None = None, params: dict[str, Any] | None = None
    ) -> RunResult:
        """Run a workflow, and tell how that ended."""
        create_warehouse(self.settings, [name])
        return run_workflow(load_workflow(PROJECT, name), settings=self.settings, window=window, params=params)

    def query(self, name: str, sql: str) -> list[tuple[Any, ...]]:
        """Query the published tables of a workflow."""
        snapshot = current_snapshot(self.settings, name)
        if snapshot is None:
            pytest.fail(f"{name} has published nothing")
        with duckdb.connect(str(snapshot.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """An empty house for the tests of one module."""
    return House(tmp_path_factory.mktemp("house"))
