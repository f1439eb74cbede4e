"""A disk that is full, whichever it is: it is named, nothing is half there, and once it has room the rows are right."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow.landing import files
from dataflow.modelling.compile import compile_models
from dataflow.ops.history import open_history
from dataflow.runtime.local.resume import resume_from
from dataflow.runtime.local.run import StepEvent, run_workflow
from dataflow.runtime.result import RunResult
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.snapshot import current_snapshot
from kit.databases import lake_settings
from kit.project import DAILY, Project
from kit.runs import days
from kit.small_disk import small_disk

pytestmark = [pytest.mark.slow, pytest.mark.alone]

LEFT = 400_000
"""Bytes that stay free: enough for what is small, too little for a day's rows."""
CONFIG: dict[str, Any] = {
    **DAILY,
    "description": "Made-up sales.",
    "sources": {
        "sales": {
            "type": "mock",
            "rows": 60_000,
            "columns": {"sale": "BIGINT", "label": "UUID", "amount": "DECIMAL(12,2)", "sold_at": "TIMESTAMPTZ"},
        }
    },
    "validate": {"sales": [{"not_null": "sale"}]},
    "load": {"sales": {"mode": "append"}},
}
DAILY = "select sale, md5(label::varchar) as digest, amount from {{ source('staging', 'sales') }}"


@dataclass
class Place:
    """A workflow, and the disk on which some of what it makes lies."""

    project: Project
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What happens when a task begins."""
    kinds: list[str] = field(default_factory=list)
    """The classes of the errors of tasks."""

    def prepare(self, copies: Path, *, models: bool) -> None:
        self.copies = copies
        self.project.write_workflow("shop", CONFIG | {"publish": {"to": str(copies)}})
        if models:
            self.project.write_model("shop", "daily", DAILY)
        settings = self.project.settings()
        open_history(settings.ops).create()
        create_warehouse(settings, ["shop"])
        assert [] == compile_models(settings, [self.project.workflow("shop")])

    def run(self, day: int, *, again_from: str | None = None) -> RunResult:
        workflow, settings, window = self.project.workflow("shop"), self.project.settings(), days(day, day + 1)
        earlier = None
        if again_from:
            earlier = resume_from(open_history(settings.ops), workflow, step=again_from, window=window)
        return run_workflow(
            workflow, settings=settings, window=None if earlier else window, earlier=earlier, progress=self._note
        )

    def _note(self, event: StepEvent) -> None:
        if event.state == "started" and event.task_id in self.before:
            self.before.pop(event.task_id)()
        elif event.state == "failed":
            self.kinds.append(type(sys.exc_info()[1]).__name__)

    def visible(self) -> dict[str, Any]:
        """Give every row that somebody may see."""
        settings = self.project.settings()
        found = {}
        with open_warehouse(settings, purpose="test") as connection:
            for name in ("staging_shop.sales", "shop.daily"):
                with suppress(duckdb.CatalogException):
                    found[f"table {name}"] = _rows(connection, name)
        snapshot = current_snapshot(settings, "shop")
        assert snapshot is not None
        for table in snapshot.tables:
            with duckdb.connect(snapshot.database, read_only=True) as connection:
                found[f"snapshot {table}"] = _rows(connection, table)
        copied = json.loads((self.copies / "current.json").read_bytes())["tables"]
        files = {f"Parquet {table}": snapshot.parquet(table) for table in snapshot.tables}
        files |= {f"copy {table}": self.copies / each["path"] for table, each in copied.items()}
        with duckdb.connect() as connection:
            return found | {name: _rows(connection, f"'{file}'") for name, file in files.items()}


def _rows(connection: duckdb.DuckDBPyConnection, relation: str) -> list[Any]:
    connection.execute("SET TimeZone = 'UTC'")
    return connection.execute(f"SELECT columns('^[a-z]')::VARCHAR FROM {relation} ORDER BY ALL").fetchall()


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, dict[str, Any]]:
    """What two clean runs leave, with models and without."""
    found = {}
    for models in (True, False):
        place = Place(Project(tmp_path_factory.mktemp("clean"), dbt=True))
        place.prepare(place.project.root / "copies", models=models)
        assert ["success"] * 2 == [place.run(day).status for day in range(2)]
        found[models] = place.visible()
    return found


ALL = ("table", "snapshot", "Parquet")
MODELLED = ("table shop", "snapshot", "Parquet")


@pytest.mark.parametrize(
    ("where", "fails", "stays"),
    [
        pytest.param("DATAFLOW_LANDING", "ingest.sales", ALL, id="landing"),
        pytest.param("DATAFLOW_WAREHOUSE", "transform.sales", ALL, id="load"),
        pytest.param("DATAFLOW_WAREHOUSE", "dbt", MODELLED, id="dbt"),
        pytest.param("DATAFLOW_WAREHOUSE_DATA", "transform.sales", ALL, id="load-lake", marks=pytest.mark.postgres),
        pytest.param("DATAFLOW_WAREHOUSE_DATA", "dbt", MODELLED, id="dbt-lake", marks=pytest.mark.postgres),
        pytest.param("DATAFLOW_PUBLISHED", "publish", ("snapshot", "Parquet"), id="snapshot"),
        pytest.param("publish.to", "publish", ("copy",), id="copy"),
    ],
)
def test_a_full_disk_is_named_and_once_it_has_room_the_rows_are_those_of_clean_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clean: dict[bool, dict[str, Any]],
    where: str,
    fails: str,
    stays: tuple[str, ...],
) -> None:
    models = fails == "dbt"
    with ExitStack() as open_:
        disk = open_.enter_context(small_disk(tmp_path / "disk"))
        place = Place(Project(tmp_path / "project", dbt=True))
        copies = tmp_path / "other copies"
        if where == "publish.to":
            copies = disk.folder / "copies"
        else:
            monkeypatch.setenv(where, str(disk.folder / ("data.duckdb" if where == "DATAFLOW_WAREHOUSE" else "data")))
        if where == "DATAFLOW_WAREHOUSE_DATA":
            monkeypatch.setenv("DATAFLOW_WAREHOUSE", open_.enter_context(lake_settings()))
        place.prepare(copies, models=models)
        assert "success" == place.run(0).status
        before = place.visible()

        place.before[fails] = lambda: disk.fill(leave=LEFT)
        failed = place.run(1)

        assert ("failed", fails, ["OutOfRoom"]) == (failed.status, failed.failed_step, place.kinds), failed.error
        assert disk.says in str(failed.error)
        assert str(disk.folder) in str(failed.error)
        seen = place.visible()
        assert {name for name in before if name.startswith(stays)} == {
            name for name, rows in seen.items() if name.startswith(stays) and rows == before[name]
        }
        disk.free()
        assert "success" == place.run(1, again_from=fails).status
        assert clean[models] == place.visible()


def test_a_small_file_that_has_no_room_is_named_and_not_half_there(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        disk.fill(leave=0)
        with pytest.raises(OSError, match=rf"{disk.says}.*manifest\.json"):
            files.replace(str(disk.folder / "manifest.json"), bytes(100_000))

        assert [] == list(disk.folder.glob("manifest*"))
