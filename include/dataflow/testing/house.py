"""A private landing, warehouse, history and snapshots, in which the workflows of a project run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dataflow.loading.load import load_workflow
from dataflow.ops.history import open_history
from dataflow.runtime.local.run import run_workflow
from dataflow.settings import Settings
from dataflow.testing.window import window_for
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.snapshot import current_snapshot

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.runtime.result import RunResult

__all__ = ["House"]


class House:
    """Everything that runs leave behind, in a folder of its own."""

    def __init__(self, folder: Path, project: Path) -> None:
        settings = Settings.load(project)
        self.settings = settings.model_copy(
            update={
                "allowed_hosts": f"{settings.allowed_hosts} 127.0.0.1",  # where the fake API listens
                "landing": folder / "landing",
                "warehouse": folder / "warehouse.duckdb",
                "published": folder / "published",
                "scratch": folder / "scratch",
                "copies": False,
                "ops": f"sqlite:///{folder / 'ops.db'}",
            }
        )
        folder.mkdir(parents=True, exist_ok=True)
        open_history(self.settings.ops).create()

    def run(
        self, name: str, *, window: Interval | str | None = None, params: Mapping[str, Any] | None = None
    ) -> RunResult:
        """Run a whole workflow on its real sources; the test fails where it does not succeed."""
        result = self.try_run(name, window=window, params=params)
        if result.status != "success":
            pytest.fail(f"{name} {result.status} at {result.failed_step}: {result.error}", pytrace=False)
        return result

    def try_run(
        self, name: str, *, window: Interval | str | None = None, params: Mapping[str, Any] | None = None
    ) -> RunResult:
        """Run a whole workflow and tell how it ended, for a test of what happens when something is wrong.

        Approvals are given.
        """
        workflow = load_workflow(self.settings.project, name, environment=self.settings.environment)
        create_warehouse(self.settings, [name])
        span = window_for(workflow.spec, window)
        return run_workflow(workflow, settings=self.settings, params=params, window=span, ask=lambda _: True)

    def query(self, name: str, sql: str) -> list[tuple[Any, ...]]:
        """Query the published tables of a workflow."""
        import duckdb

        snapshot = current_snapshot(self.settings, name)
        if snapshot is None:
            pytest.fail(f"{name} has published nothing in this house; run it first", pytrace=False)
        with duckdb.connect(str(snapshot.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()
