"""Models in a run here, in a project where nobody compiled them."""

from __future__ import annotations

import pytest

from dataflow.ops.history import open_history
from dataflow.runtime.local import run_workflow
from dataflow.runtime.result import RunResult
from dataflow.warehouse.create import create_warehouse
from kit.project import Project

pytestmark = pytest.mark.slow


def run(project: Project) -> RunResult:
    settings = project.settings()
    open_history(settings.ops).create()
    create_warehouse(settings, ["events"])
    return run_workflow(project.workflow("events"), settings=settings)


@pytest.fixture
def events(project: Project) -> Project:
    with_dbt = Project(project.root, dbt=True)
    with_dbt.write_workflow("events")
    return with_dbt


def test_models_that_nobody_compiled_are_built(events: Project) -> None:
    events.write_model("events", "kinds", "select distinct kind from {{ source('staging', 'events') }}")

    result = run(events)

    assert ("success", None) == (result.status, result.error)


def test_a_model_that_does_not_compile_is_told_with_its_file(events: Project) -> None:
    events.write_model("events", "kinds", "select distinct kind from {{ source('staging', 'event') }}")

    result = run(events)

    assert ("failed", "dbt") == (result.status, result.failed_step)
    assert str(result.error).startswith("dbt/models/events/kinds.sql:")
