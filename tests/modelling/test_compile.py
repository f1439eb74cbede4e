from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataflow.errors import Problem
from dataflow.modelling.compile import compile_models
from dataflow.modelling.manifest import manifest_path, manifest_problem, partial_parse_path
from kit.models import write_models
from kit.project import Project

pytestmark = pytest.mark.slow

BROKEN = {
    "no_such_model": {"daily.sql": "select * from {{ ref('elsewhere') }}"},
    "bad_jinja": {"daily.sql": "select 1 as event_id,\n  {{ oops( }}"},
    "bad_yaml": {"bad_yaml.yml": "models:\n  - name: [daily\n"},
    "twice": {"again/daily.sql": "select 1 as event_id"},
    "test_of_no_model": {"more.yml": "sources: [{name: other, tables: [{name: t, data_tests: [unique_events]}]}]\n"},
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project", dbt=True)


def names_of_files(project: Project, name: str) -> list[str]:
    return sorted(path.suffix for path in project.settings().dbt_project.glob(f"target/manifests/{name}-*"))


def test_each_broken_workflow_is_told_with_its_file_and_every_other_is_compiled(project: Project) -> None:
    """Two workflows hold models of the same names, which one dbt project would not allow."""
    project.write_file("dbt/macros/unique_events.sql", "{% test unique_events(model) %}select 1{% endtest %}")
    for name, files in BROKEN.items():
        write_models(project, name)
        for file, content in files.items():
            project.write_file(f"dbt/models/{name}/{file}", content)
    broken = [project.workflow(name) for name in BROKEN]
    healthy = [write_models(project, name) for name in ("alpha", "beta")]
    settings = project.settings()
    told: dict[str, Problem | None] = {}

    problems = compile_models(settings, [*broken, *healthy], progress=told.__setitem__)

    assert len(BROKEN) == len(problems)
    assert {*BROKEN, "alpha", "beta"} == told.keys()
    for workflow in healthy:
        assert manifest_problem(workflow, settings) is None
    by_name = {workflow.name: manifest_problem(workflow, settings) for workflow in broken}
    expected = {
        "no_such_model": ("dbt/models/no_such_model/daily.sql", 1),
        "bad_jinja": ("dbt/models/bad_jinja/daily.sql", 2),
        "bad_yaml": ("dbt/models/bad_yaml/bad_yaml.yml", 3),
        "twice": ("dbt/models/twice/again/daily.sql", 1),
        "test_of_no_model": ("dbt/models/test_of_no_model/more.yml", 1),
    }
    assert told == by_name | {"alpha": None, "beta": None}
    assert expected == {name: (problem.path, problem.line) for name, problem in by_name.items() if problem}


def test_what_is_compiled_is_read_by_the_dag_and_by_the_next_parse(project: Project) -> None:
    workflow = write_models(project)
    settings = project.settings()
    assert [] == compile_models(settings, [workflow])
    manifest = manifest_path(settings, workflow)
    sources = settings.dbt_project / "models" / "shop" / "_sources.yml"
    before = (manifest.stat(), sources.stat())

    assert [] == compile_models(settings, [workflow])

    assert before == (manifest.stat(), sources.stat())
    assert partial_parse_path(manifest).exists()
    assert [".json", ".msgpack"] == names_of_files(project, "shop")
    nodes = json.loads(manifest.read_text())["nodes"]
    assert ["model", "model", "test", "test", "test", "test"] == [node["resource_type"] for node in nodes.values()]
    assert "name: staging" in sources.read_text()


def test_what_failed_is_tried_again_once_it_is_mended(project: Project) -> None:
    write_models(project)
    model = project.write_model("shop", "daily", "select * from {{ ref('elsewhere') }}")
    settings = project.settings()
    assert 1 == len(compile_models(settings, [project.workflow("shop")]))

    model.write_text("select 1 as event_id")

    assert [] == compile_models(settings, [project.workflow("shop")])
    assert [".json", ".msgpack"] == names_of_files(project, "shop")
