from __future__ import annotations

import json
from pathlib import Path

from kit.program import Program, program_in
from kit.project import Project


def test_validate_says_that_healthy_configs_have_no_errors(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    answer = dataflow("config", "validate")

    assert (0, "1 workflow checked: no errors.\n") == (answer.code, answer.out)


def test_validate_tells_each_problem_on_its_line_with_exit_code_1(project: Project, dataflow: Program) -> None:
    project.write_workflow("events", "descripton: x\nowner: y\nsources: {events: {type: mock, columns: {a: BIGINT}}}\n")

    answer = dataflow("config", "validate")

    assert 1 == answer.code
    assert (
        "include/workflows/events/config.yaml:1:1: descripton: unknown key; did you mean 'description'?"
        in answer.out.splitlines()
    )


def test_validate_as_json_gives_the_fields_of_each_problem(project: Project, dataflow: Program) -> None:
    project.write_workflow("events", "descripton: x\nowner: y\nsources: {events: {type: mock, columns: {a: BIGINT}}}\n")

    problems = dataflow("config", "validate", "--format", "json").json

    assert {"path", "line", "column", "key", "message", "hint", "severity"} == set(problems[0])


def test_validate_for_github_annotates_the_line(project: Project, dataflow: Program) -> None:
    project.write_workflow("events", "descripton: x\nowner: y\nsources: {events: {type: mock, columns: {a: BIGINT}}}\n")

    answer = dataflow("config", "validate", "--format", "github")

    assert "::error file=include/workflows/events/config.yaml,line=1,col=1::descripton: unknown key" in answer.out


def test_validate_of_one_workflow_leaves_out_the_others_problems(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    project.write_workflow("broken", "nonsense: 1\n")

    assert 0 == dataflow("config", "validate", "events").code
    assert 1 == dataflow("config", "validate", "events", "broken").code


def test_an_unknown_workflow_is_told_with_the_nearest_name(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    answer = dataflow("config", "show", "event")

    assert (1, "", "no workflow 'event'; did you mean 'events'?\n") == (answer.code, answer.out, answer.err)


def test_show_keeps_references_as_references(project: Project, dataflow: Program) -> None:
    project.write_workflow(
        "events",
        "description: x\nowner: y\n"
        "sources: {events: {type: file, format: csv, path: '${DROP}/a.csv', columns: {a: BIGINT}}}\n",
    )

    answer = dataflow("config", "show", "events", "--json", DROP="secret-place")

    assert "${DROP}/a.csv" == answer.json["sources"]["events"]["path"]


def test_list_counts_the_problems_of_each_config(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    project.write_workflow("broken", "nonsense: 1\n")

    rows = {row["name"]: row["problems"] for row in dataflow("config", "list", "--json").json}

    assert 0 == rows["events"]
    assert rows["broken"] >= 1


def test_settings_mask_the_password_of_run_history(project: Project, dataflow: Program) -> None:
    answer = dataflow("config", "settings", "--json", DATAFLOW_OPS="postgresql+psycopg2://me:hunter22@db/ops")

    values = {row["variable"]: row["value"] for row in answer.json}

    assert "postgresql+psycopg2://me:***@db/ops" == values["DATAFLOW_OPS"]
    assert "hunter22" not in answer.out


def test_a_setting_that_does_not_parse_is_told_by_its_variable(project: Project, dataflow: Program) -> None:
    answer = dataflow("config", "settings", DATAFLOW_LOCK_TIMEOUT="soon")

    assert 1 == answer.code
    assert "DATAFLOW_LOCK_TIMEOUT" in answer.err
    assert "Traceback" not in answer.err


def test_how_much_memory_a_task_may_take_is_shown_as_it_is_written(project: Project, dataflow: Program) -> None:
    shown = {}
    for given in ("512MB", "2GiB", "1.5 gb", "4MB", "much"):
        answer = dataflow("config", "settings", "--json", DATAFLOW_MEMORY=given)
        rows = {row["variable"]: row["value"] for row in answer.json} if answer.code == 0 else {}
        shown[given] = rows.get("DATAFLOW_MEMORY") or answer.err.strip().partition("DATAFLOW_MEMORY: ")[2]

    assert {
        "512MB": "512MB",
        "2GiB": "2GiB",
        "1.5 gb": "1500MB",
        "4MB": "4MB is too little for DuckDB to work with; give it 128MB at least",
        "much": "'much' is no size; write a number and a unit, like 512MB or 2GB",
    } == shown


def test_outside_a_project_the_way_in_is_told() -> None:
    answer = program_in(Path("/"))("config", "list")

    assert 1 == answer.code
    assert "set DATAFLOW_PROJECT" in answer.err


def test_validate_of_one_workflow_tells_what_is_wrong_in_the_defaults(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    project.write_file("include/workflows/defaults.yaml", "retires: 3\n")

    answer = dataflow("config", "validate", "events")

    assert 1 == answer.code
    assert "include/workflows/defaults.yaml:1:1: retires: unknown key; did you mean 'retries'?" in answer.out


def test_validate_of_a_workflow_that_is_not_there_says_so(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    answer = dataflow("config", "validate", "evens")

    assert (1, "no workflow 'evens'; did you mean 'events'?\n") == (answer.code, answer.err)


def test_show_says_of_each_value_where_it_came_from(project: Project, dataflow: Program) -> None:
    project.write_file("include/workflows/defaults.yaml", "retries: 5\ntags: [house]\n")
    project.write_file(
        "include/templates/made_up.yaml",
        "inputs: {rows: {type: integer}}\n"
        "sources:\n  events: {type: mock, rows: '{{ inputs.rows }}', columns: {id: BIGINT}}\n",
    )
    config = "extends: made_up\nwith: {rows: 7}\ndescription: x\nowner: y\nstart_date: 2025-01-01\ntags: [own]\n"
    project.write_workflow("events", config)

    rows = dataflow("config", "show", "events", "--origin", "--json").json
    table = dataflow("config", "show", "events", "--origin").out

    found = {row["key"]: (row["value"], row["path"], row["line"]) for row in rows}
    assert (5, "include/workflows/defaults.yaml", 1) == found["retries"]
    assert ("house", "include/workflows/defaults.yaml", 2) == found["tags.0"]
    assert ("own", "include/workflows/events/config.yaml", 6) == found["tags.1"]
    assert (7, "include/workflows/events/config.yaml", 2) == found["sources.events.rows"]
    assert ("mock", "include/templates/made_up.yaml", 3) == found["sources.events.type"]
    assert ["retries", "5", "include/workflows/defaults.yaml:1"] in [line.split() for line in table.splitlines()]


def test_show_tells_what_is_wrong_in_a_template(project: Project, dataflow: Program) -> None:
    project.write_file("include/templates/broken.yaml", "owner: x\nowner: y\n")
    project.write_workflow("events", "extends: broken\ndescription: x\n")

    answer = dataflow("config", "show", "events")

    assert 1 == answer.code
    assert "include/templates/broken.yaml:2:1: owner: duplicate key" in answer.out


def test_schema_prints_what_an_editor_reads(project: Project, dataflow: Program) -> None:
    answer = dataflow("config", "schema")

    assert {"owner", "sources", "extends"} <= answer.json["properties"].keys()


def test_schema_writes_the_schema_and_the_reference_into_the_project(project: Project, dataflow: Program) -> None:
    answer = dataflow("config", "schema", "--write")

    assert "wrote include/dataflow/workflow.schema.json\nwrote docs/config-reference.md\n" == answer.out
    assert json.loads((project.root / "include/dataflow/workflow.schema.json").read_text())["properties"]["owner"]
    assert "| `owner` | text |" in (project.root / "docs/config-reference.md").read_text()
