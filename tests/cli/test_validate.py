"""``dataflow config validate`` as people, programs and GitHub read it."""

from __future__ import annotations

from kit.program import Program
from kit.project import MOCK_CONFIG, Project

OF_A_VARIABLE = """\
description: x
owner: x
sources:
  events: {type: file, format: csv, path: "${DROP}/events.csv", columns: {event_id: BIGINT}}
"""
NOT_SET = "sources.events.path: the variable DROP is not set here; set it where tasks run, or write ${DROP:-...}"
BROKEN = "descripton: x\nowner: y\nsources: {events: {type: mock, columns: {a: BIGINT}}}\n"


def test_a_warning_is_told_and_leaves_the_exit_code_0(project: Project, dataflow: Program) -> None:
    project.write_workflow("events", OF_A_VARIABLE)

    answer = dataflow("config", "validate")

    assert 0 == answer.code
    assert [
        f"include/workflows/events/config.yaml:4:43: warning: {NOT_SET}",
        "1 workflow checked: no errors, 1 warning.",
    ] == answer.out.splitlines()


def test_a_variable_of_the_environment_or_of_dotenv_is_set(project: Project, dataflow: Program) -> None:
    project.write_workflow("events", OF_A_VARIABLE)
    of_environment = dataflow("config", "validate", DROP="/drop")
    project.write_file(".env", "DROP=/drop\n")

    assert "1 workflow checked: no errors.\n" == of_environment.out == dataflow("config", "validate").out


def test_errors_and_warnings_are_counted_over_healthy_and_broken_workflows(project: Project, dataflow: Program) -> None:
    project.write_workflow("ant")
    project.write_workflow("bee", OF_A_VARIABLE)
    project.write_workflow("cat", {**MOCK_CONFIG, "transform": {"events": [{"sql": "drop table events"}]}})
    project.write_workflow("dog", {**MOCK_CONFIG, "retires": 3})

    answer = dataflow("config", "validate")

    assert 1 == answer.code
    assert "4 workflows checked: 2 errors, 1 warning." == answer.out.splitlines()[-1]


def test_json_is_a_list_also_where_nothing_is_wrong(project: Project, dataflow: Program) -> None:
    project.write_workflow("events", OF_A_VARIABLE)

    warned = dataflow("config", "validate", "--format", "json")
    sound = dataflow("config", "validate", "--format", "json", DROP="/drop")

    assert [("warning", "sources.events.path")] == [(each["severity"], each["key"]) for each in warned.json]
    assert (0, []) == (sound.code, sound.json)


def test_github_is_told_warnings_and_errors_with_what_it_reads_as_its_own_escaped(
    project: Project, dataflow: Program
) -> None:
    project.write_workflow("events", OF_A_VARIABLE)
    project.write_workflow("percent", "title: %d orders\n")

    answer = dataflow("config", "validate", "--format", "github")

    percent = "a value cannot begin with `%25`; put it in quotes"
    assert [
        f"::error file=include/workflows/percent/config.yaml,line=1,col=8::{percent}",
        f"::warning file=include/workflows/events/config.yaml,line=4,col=43::{NOT_SET}",
    ] == sorted(answer.out.splitlines())


def test_models_belong_to_the_workflow_that_is_named(project: Project, dataflow: Program) -> None:
    project.write_workflow("ant")
    project.write_workflow("bee")
    project.write_model("ant", "daily", "select * from {{ ref('dayly') }}")

    of_ant, of_bee = dataflow("config", "validate", "ant"), dataflow("config", "validate", "bee")

    assert "dbt/models/ant/daily.sql:1:23: no model is called 'dayly'; did you mean 'daily'?" in of_ant.out
    assert (1, 0) == (of_ant.code, of_bee.code)


def test_a_name_that_is_not_there_is_told_also_beside_broken_configs(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    project.write_workflow("broken", BROKEN)

    answer = dataflow("config", "validate", "evens")

    assert (1, "", "no workflow 'evens'; did you mean 'events'?\n") == (answer.code, answer.out, answer.err)


def test_a_name_given_twice_is_checked_once(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    assert "1 workflow checked: no errors.\n" == dataflow("config", "validate", "events", "events").out


def test_a_template_concerns_those_who_use_it(project: Project, dataflow: Program) -> None:
    project.write_file("include/templates/daily.yaml", "inputs: {table: {type: text}}\nowner: x\n")
    project.write_workflow("events")
    project.write_workflow("uses", {**MOCK_CONFIG, "extends": "daily", "with": {"table": "x"}})

    of_events, of_uses = dataflow("config", "validate", "events"), dataflow("config", "validate", "uses")

    assert (0, "1 workflow checked: no errors.\n") == (of_events.code, of_events.out)
    assert 1 == of_uses.code
    assert "include/templates/daily.yaml:1:" in of_uses.out


def test_the_defaults_concern_everybody(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    project.write_file("include/workflows/defaults.yaml", "ownr: x\n")

    answer = dataflow("config", "validate", "events")

    assert 1 == answer.code
    assert "include/workflows/defaults.yaml:1:1: ownr: unknown key" in answer.out
    assert "1 workflow checked: 1 error." in answer.out


def test_a_folder_that_holds_no_workflow_is_no_workflow(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    project.folder("empty").mkdir()
    project.write_file("include/workflows/gone/__pycache__/steps.pyc", "")

    for name in ("empty", "gone"):
        answer = dataflow("config", "validate", name)

        assert (1, "", f"no workflow {name!r}; there is: events\n") == (answer.code, answer.out, answer.err)
