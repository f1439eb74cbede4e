"""A task that lacks memory says so, and nothing of its data."""

from __future__ import annotations

from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from dataflow.runtime.local.run import run_workflow
from dataflow.warehouse.create import create_warehouse
from kit.project import MOCK_CONFIG, Project


def test_a_check_that_needs_more_than_there_is_says_nothing_of_the_data(project: Project) -> None:
    # A list is one value, which no disk takes.
    hungry = {"sql": "select 1 from (select list(range) as l from range(100_000_000)) where len(l) = 0"}
    project.write_workflow("shop", {**MOCK_CONFIG, "validate": {"events": [{"not_null": "event_id"}, hungry]}})
    project.write_file(".env", "DATAFLOW_MEMORY=128MB\n")
    settings = project.settings()
    open_history(settings.ops).create()
    create_warehouse(settings, ["shop"])

    result = run_workflow(project.workflow("shop"), settings=settings)

    assert result.error is not None
    assert "validate.events" == result.failed_step
    assert "raise DATAFLOW_MEMORY, or free the disk of DATAFLOW_SCRATCH" in result.error
    assert () == read_run(open_history(settings.ops), result.run_id).checks
