from __future__ import annotations

from kit.program import Program
from kit.project import MOCK_CONFIG, Project


def events(kind: str) -> dict[str, object]:
    columns = {"event_id": kind, "happened_at": "TIMESTAMPTZ"}
    return {**MOCK_CONFIG, "sources": {"events": {"type": "mock", "rows": 3, "columns": columns}}}


def test_a_type_that_changed_in_the_config_is_given_to_what_is_loaded(project: Project, dataflow: Program) -> None:
    project.write_workflow("events", events("BIGINT"))
    run = ("workflow", "run", "events", "--live", "--window")
    dataflow(*run, "2025-01-05")
    project.write_workflow("events", events("VARCHAR"))
    refused = dataflow(*run, "2025-01-06")
    assert "`dataflow table cast events events event_id 'VARCHAR'`" in refused.out + refused.err

    tried = dataflow("table", "cast", "events", "events", "event_id", "VARCHAR", "--dry-run")
    done = dataflow("table", "cast", "events", "events", "event_id", "VARCHAR")
    again = dataflow("table", "cast", "events", "events", "event_id", "VARCHAR")

    assert "events.event_id would be VARCHAR in all 3 rows; it was BIGINT.\n" == tried.out
    assert "events.event_id is VARCHAR in all 3 rows; it was BIGINT.\n" == done.out
    assert "events.event_id is VARCHAR already.\n" == again.out
    assert 0 == dataflow(*run, "2025-01-06").code
    assert [{"n": 6}] == dataflow("query", "events", "select count(*) as n from events", "--json").json


def test_what_cannot_be_cast_is_wrong_input(project: Project, dataflow: Program) -> None:
    project.write_workflow("events", events("VARCHAR"))
    dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05")

    answer = dataflow("table", "cast", "events", "events", "event_id", "DATE")

    assert 1 == answer.code
    assert "events.event_id: 3 of 3 rows have a value that is no DATE" in answer.err


def test_a_part_of_a_loaded_window_is_refused_with_the_whole_that_can_be_run(
    project: Project, dataflow: Program
) -> None:
    project.write_workflow("events", events("BIGINT"))
    run = ("workflow", "run", "events", "--live", "--window")
    dataflow(*run, "2025-01-01/2025-01-04")

    refused = dataflow(*run, "2025-01-02")
    whole = (refused.out + refused.err).split("run the whole, ")[1].split(",")[0]

    assert 2 == refused.code
    assert 0 == dataflow(*run, "".join(whole.split())).code
    assert [{"n": 3}] == dataflow("query", "events", "select count(*) as n from events", "--json").json
