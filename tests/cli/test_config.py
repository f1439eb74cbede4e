from __future__ import annotations

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
