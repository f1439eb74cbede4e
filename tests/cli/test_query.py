from __future__ import annotations

from kit.program import Program
from kit.project import Project


def test_data_is_shown_as_it_is(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05")

    answer = dataflow(
        "query",
        "events",
        "select 2025 as a_year, 1234567.1234567::double as x, '[red]' as tag, null as none, true as yes",
    )

    assert ["a_year", "x", "tag", "none", "yes"] == answer.out.splitlines()[0].split()
    assert ["2025", "1234567.1234567", "[red]", "NULL", "true"] == answer.out.splitlines()[1].split()


def test_a_workflow_that_is_not_there_is_told_with_the_nearest(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    answer = dataflow("query", "event", "select 1")

    assert (1, "no workflow 'event'; did you mean 'events'?\n") == (answer.code, answer.err)


def test_a_workflow_without_a_run_is_told_how_to_run_it(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    answer = dataflow("query", "events", "select 1")

    assert (1, "events has published nothing yet; `dataflow workflow run events --live` does\n") == (
        answer.code,
        answer.err,
    )
