"""Models in a run here, in a project where nobody compiled them."""

from __future__ import annotations

import pytest

from dataflow.cli.commands.query import read_rows
from dataflow.ops.history import open_history
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.result import RunResult
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.snapshot import current_snapshot
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


PYTHON = """
import pandas as pd

def model(dbt, session):
    events = dbt.source("staging", "events")
    frame = pd.DataFrame(events.fetchall(), columns=events.columns)
    return frame.groupby("kind", as_index=False).agg(events=("event_id", "count"))
"""


def test_a_workflow_of_python_models_alone_builds_and_publishes_them(events: Project) -> None:
    events.write_file("dbt/models/events/kinds.py", PYTHON)

    result = run(events)

    assert ("success", None) == (result.status, result.error)
    assert [{"events": 5}] == read_rows(events.settings(), "events", "select sum(events)::int as events from kinds")


def test_python_and_sql_models_are_made_of_each_other(events: Project) -> None:
    events.write_file("dbt/models/events/kinds.py", PYTHON)
    events.write_model("events", "many", "select * from {{ ref('kinds') }} where events > 0")
    events.write_file(
        "dbt/models/events/total.py", "def model(dbt, session):\n    return dbt.ref('many').sum('events')"
    )

    result = run(events)

    assert ("success", None) == (result.status, result.error)
    assert ("kinds", "many", "total") == events.workflow("events").models
    published = current_snapshot(events.settings(), "events")
    assert published is not None
    assert {"kinds", "many", "total"} == set(published.tables)
