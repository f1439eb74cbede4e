from __future__ import annotations

import pytest

from dataflow.errors import Problem
from dataflow.linting import lint as linting
from dataflow.linting.lint import lint
from kit.project import MOCK_CONFIG, Project

FILTERED = {**MOCK_CONFIG, "transform": {"events": [{"filter": "event_id >"}]}}


def told(project: Project, *names: str) -> tuple[Problem, ...]:
    return lint(project.registry(), project.settings(), variables={}, names=names or None)


def test_only_the_named_workflows_are_looked_at_but_their_neighbours_are_known(project: Project) -> None:
    reads = {"description": "x", "owner": "x"}
    project.write_workflow("ant", {**reads, "sources": {"bees": {"type": "published", "table": "bee.ants"}}})
    project.write_workflow("bee", {**reads, "sources": {"ants": {"type": "published", "table": "ant.bees"}}})
    project.write_workflow("cat", FILTERED)

    [problem] = told(project, "bee")

    assert "include/workflows/bee/config.yaml" == problem.path
    assert "bee -> ant -> bee" in problem.message


def test_a_fault_of_ours_in_one_workflow_is_told_and_the_others_are_linted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_workflow("ant")
    project.write_workflow("bee", FILTERED)
    sound = linting.problems_of_models

    def problems_of_models(workflow, settings):
        if workflow.name == "ant":
            raise LookupError("no way")
        return sound(workflow, settings)

    monkeypatch.setattr(linting, "problems_of_models", problems_of_models)
    ant, bee = told(project)

    assert "a fault of dataflow, not of this config: LookupError: no way" == ant.message
    assert "the expression is not complete" == bee.message


def test_what_the_defaults_say_is_told_at_the_defaults(project: Project) -> None:
    project.write_workflow("ant")
    project.write_file("include/workflows/defaults.yaml", "settings: {token: 5f2b9c}\n")

    [problem] = told(project)

    assert ("include/workflows/defaults.yaml", 1, "settings.token") == (problem.path, problem.line, problem.key)


def test_no_credential_is_shown(project: Project) -> None:
    project.write_workflow("ant", {**MOCK_CONFIG, "settings": {"password": "hunter2", "url": "ftp://me:hunter2@x/"}})

    assert 2 == len(told(project))
    assert not any("hunter2" in str(problem) for problem in told(project))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("primary_key", "order_id"),
        ("token_param", "next"),
        ("url", "https://example.com/@ada:x"),
        ("url", "s3://aws@bucket/prefix"),
        ("password", "${PASSWORD}"),
        ("authorization", "Bearer ${TOKEN}"),
        ("token", ""),
        ("secret_santa", "ada"),
    ],
)
def test_what_only_resembles_a_credential_is_let_pass(project: Project, key: str, value: str) -> None:
    from dataflow.linting.credentials import credentials_are_references

    assert [] == list(credentials_are_references({"settings": {key: value}}))
