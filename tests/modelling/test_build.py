from __future__ import annotations

import fcntl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dataflow.ducklake import DuckLake
from dataflow.loading.workflow import Workflow
from dataflow.modelling.build import DbtOutcome, build_models
from dataflow.modelling.compile import compile_models
from dataflow.modelling.sources_yml import render_sources
from dataflow.settings import Settings
from dataflow.warehouse.builds import newest
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.turns import turn_of
from kit.models import dbt_project, write_models
from kit.project import Project
from kit.warehouse import day

pytestmark = pytest.mark.slow


@pytest.fixture(params=["file", pytest.param("lake", marks=pytest.mark.postgres)])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A project whose warehouse is a file, and one whose warehouse is a DuckLake."""
    with dbt_project(tmp_path / "project", is_lake=request.param == "lake") as made:
        yield made


def run(settings: Settings, *statements: str) -> Any:
    with open_warehouse(settings, purpose="test") as connection:
        for statement in statements:
            result = connection.execute(statement)
        return result.fetchall()


def build(settings: Settings, workflow: Workflow, **given: Any) -> DbtOutcome:
    return build_models(settings, workflow, **{"window": day(0), "run_id": "r1", **given})


def prepared(project: Project, *names: str, **config: Any) -> tuple[Settings, list[Workflow]]:
    workflows = [write_models(project, name, **config) for name in names]
    settings = project.settings()
    create_warehouse(settings, names)
    for name in names:
        project.write_file(f"dbt/models/{name}/_sources.yml", render_sources(project.workflow(name).spec))
        run(settings, f"create table staging_{name}.events as select 1::bigint as event_id, '{name}' as kind")
    return settings, workflows


def is_free(settings: Settings, turn: str = "shop") -> bool:
    """Tell whether another process could open the file, or have the workflow's turn."""
    if isinstance(settings.warehouse, DuckLake):
        with turn_of(settings.warehouse, turn, timeout=timedelta(seconds=1), purpose="look"):
            return True
    with settings.lock_file.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_two_workflows_build_in_one_process_and_give_the_warehouse_back(project: Project) -> None:
    settings, workflows = prepared(project, "alpha", "beta")
    assert [] == compile_models(settings, workflows)

    outcomes = [build(settings, workflow) for workflow in workflows]

    assert is_free(settings)
    assert [True, True] == [outcome.succeeded for outcome in outcomes]
    assert [("alpha", "beta")] == run(settings, "select a.kind, b.kind from alpha.latest a, beta.latest b")
    passed = {(node.kind, node.status) for node in outcomes[0].nodes}
    assert {("model", "passed"), ("test", "passed")} == passed


def test_a_failing_test_is_told_and_what_follows_is_skipped(project: Project) -> None:
    settings, (workflow,) = prepared(project, "shop")
    run(settings, "insert into staging_shop.events select * from staging_shop.events")

    outcome = build(settings, workflow)

    assert "1 failed in dbt: test unique_daily_event_id: Got 1 result, configured to fail if != 0" == outcome.error
    assert "skipped" == next(node.status for node in outcome.nodes if node.name == "latest")
    assert [1] == [node.failures for node in outcome.nodes if node.status == "failed"]
    assert is_free(settings)


def test_a_build_stamps_its_run_even_when_it_fails(project: Project) -> None:
    settings, (workflow,) = prepared(project, "shop")
    project.write_model("shop", "daily", "select nothing_of_the_kind")

    outcome = build(settings, workflow, run_id="r2")

    assert not outcome.succeeded
    with open_warehouse(settings, purpose="test") as connection:
        stamped = newest(connection, "shop")
    assert stamped is not None
    assert "r2" == stamped[0]


def test_models_read_the_window_and_full_refresh(project: Project) -> None:
    settings, (workflow,) = prepared(project, "shop", dbt={"tests": "none"})
    project.write_model(
        "shop",
        "daily",
        "{{ config(materialized='incremental') }} select '{{ env_var(\"DATAFLOW_WINDOW_START\") }}' as start,"
        " {{ is_incremental() }} as again",
    )
    assert [] == compile_models(settings, [workflow])
    query = "select start[:10], again from shop.daily order by all"

    outcomes = [build(settings, workflow, window=day(number)) for number in range(2)]

    assert [True, True] == [outcome.succeeded for outcome in outcomes]
    assert {"model"} == {node.kind for node in outcomes[0].nodes}
    assert [("2025-01-01", False), ("2025-01-02", True)] == run(settings, query)

    build(settings, workflow, window=day(2), full_refresh=True)

    assert [("2025-01-03", False)] == run(settings, query)
