"""A function that gives what dlt calls a resource or a source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.result import RunResult
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from kit.project import Project

RESOURCES = """
import dlt
import pyarrow


@dlt.resource(primary_key="id")
def of_orders(first):
    yield [{"id": first, "items": [{"sku": "a"}]}, {"id": first + 1, "note": "x"}]
    yield {"id": first + 2}


@dlt.resource
def in_arrow():
    yield pyarrow.table({"id": [7, 8]})


@dlt.source
def shop():
    return of_orders(1), in_arrow()


def orders(ctx):
    return GIVEN
"""
CONFIG = {
    "description": "Orders, by dlt.",
    "owner": "tests",
    "sources": {"orders": {"type": "python", "columns": {"id": "BIGINT"}, "windowed": False}},
}


def run(project: Project, given: str) -> RunResult:
    project.write_workflow("shop", CONFIG, ingestion=RESOURCES.replace("GIVEN", given))
    settings = project.settings()
    create_warehouse(settings, ["shop"])
    return run_workflow(project.workflow("shop"), settings=settings)


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ("of_orders(1)", [1, 2, 3]),
        ("of_orders(1).add_filter(lambda row: row['id'] > 1)", [2, 3]),
        ("in_arrow()", [7, 8]),
        ("shop().with_resources('of_orders')", [1, 2, 3]),
        ("shop().resources['in_arrow']", [7, 8]),
    ],
)
def test_its_rows_are_landed_like_any_others(
    project: Project, given: str, ids: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    result = run(project, given)

    assert "success" == result.status, result.error
    with open_warehouse(project.settings(), purpose="a test") as connection:
        found = connection.execute("select id from staging_shop.orders order by id").fetchall()
    assert [(each,) for each in ids] == found
    # No pipeline: nothing of it is left behind.
    assert not (tmp_path / "home" / ".dlt" / "pipelines").exists()


def test_a_source_of_several_resources_is_told_what_to_do(project: Project) -> None:
    result = run(project, "shop()")

    assert "failed" == result.status
    assert "a dlt source of 2 resources (of_orders, in_arrow); give one" in str(result.error)


def test_whoever_does_not_use_it_does_not_import_it() -> None:
    program = (
        "import sys, dataflow.runtime.steps.ingest; print(any(name.split('.')[0] == 'dlt' for name in sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert "False" == done.stdout.strip()
