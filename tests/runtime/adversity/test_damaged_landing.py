"""Rows that are not those that were landed never reach the warehouse, whoever reads them and wherever they lie."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

from dataflow.landing import files
from dataflow.landing.manifest import MANIFEST, part_paths, read_manifest
from dataflow.ops.history import open_history
from dataflow.runtime.local.run import StepEvent, run_workflow
from dataflow.warehouse.create import create_warehouse
from kit.project import MOCK_CONFIG, Project
from kit.store import bucket

EVENTS = {"type": "mock", "rows": 5, "columns": {"event_id": "BIGINT"}}
CHECKED = {"validate": {"events": [{"not_null": "event_id"}]}}
STEPS = """
def measure(ctx):
    ctx.sql("from batch.events").fetchall()
"""


@pytest.fixture(params=["on a disk", "in S3"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the landing lies."""
    if request.param == "on a disk":
        yield ""
        return
    with bucket() as store:
        monkeypatch.setenv("DATAFLOW_LANDING", str(store.place("landing")))
        yield str(store.place("landing"))


def flip_a_bit(names: list[str]) -> None:
    content = files.read(names[0]) or b""
    files.replace(names[0], content[:40] + bytes([content[40] ^ 1]) + content[41:])


def cut_short(names: list[str]) -> None:
    files.replace(names[0], (files.read(names[0]) or b"")[:-1])


def swap(names: list[str]) -> None:
    first, second = (files.read(name) or b"" for name in names[:2])
    files.replace(names[0], second)
    files.replace(names[1], first)


def delete(names: list[str]) -> None:
    files.delete(names[0])


@pytest.mark.parametrize("harm", [flip_a_bit, cut_short, swap, delete])
@pytest.mark.parametrize(
    ("config", "step"),
    [
        (CHECKED, "validate.events"),
        (CHECKED, "transform.events"),
        ({}, "transform.events"),
        ({"transform": {"events": [{"filter": "event_id > 0"}]}}, "transform.events"),
        (CHECKED | {"steps": ["ingest", "validate", {"run": "measure"}, "transform"]}, "measure"),
    ],
    ids=["validated", "loaded after its checks", "loaded as it is", "led through stages", "read by a function"],
)
def test_a_damaged_part_is_found_before_it_is_read(
    project: Project, place: str, config: dict[str, Any], step: str, harm: Callable[[list[str]], None]
) -> None:
    sources = {name: copy.deepcopy(EVENTS) | {"rows": rows} for name, rows in (("events", 5), ("others", 6))}
    project.write_workflow("shop", {**MOCK_CONFIG, "sources": sources, **config}, steps=STEPS)
    settings = project.settings()
    open_history(settings.ops).create()
    create_warehouse(settings, ["shop"])
    harmed = []

    def watch(event: StepEvent) -> None:
        if event.task_id == step and event.state == "started":
            batches = [folder.name for folder in files.walk(settings.landing) if MANIFEST in folder.files]
            found = [read_manifest(files.join(name, MANIFEST)) for name in batches]
            named = {manifest.table: part_paths(manifest)[0] for manifest in found}
            harm([named["events"], named["others"]])
            harmed.append(step)

    result = run_workflow(project.workflow("shop"), settings=settings, progress=watch)

    assert [step] == harmed
    assert ("failed", step) == (result.status, result.failed_step)
    assert "part-0000.parquet" in str(result.error)
    assert place in str(result.error)
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        loaded = warehouse.execute(
            "select table_name from duckdb_tables() where schema_name = 'staging_shop'"
        ).fetchall()
    assert ("events",) not in loaded


def test_a_run_on_s3_loads_what_one_on_a_disk_does(project: Project, place: str) -> None:
    project.write_workflow("shop", {**MOCK_CONFIG, **CHECKED})
    settings = project.settings()
    open_history(settings.ops).create()
    create_warehouse(settings, ["shop"])

    result = run_workflow(project.workflow("shop"), settings=settings)

    assert ("success", None) == (result.status, result.error)
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        assert (5,) == warehouse.execute("select count(*) from staging_shop.events").fetchone()
    assert [] == [path for path in settings.scratch.rglob("*") if path.is_file() and path.name != ".swept"]
