from __future__ import annotations

import subprocess
import sys

import pytest

from dataflow.errors import InputError
from dataflow.modelling.manifest import manifest_hash, manifest_path, manifest_problem
from kit.effort import effort
from kit.models import write_manifest, write_models
from kit.project import Project


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path / "project", dbt=True)


CHANGES = {
    "a model": ("dbt/models/shop/daily.sql", "select 1 as event_id"),
    "a new model": ("dbt/models/shop/deeper/more.sql", "select 1 as x"),
    "a model's tests": ("dbt/models/shop/shop.yml", "version: 2\n"),
    "a macro": ("dbt/macros/extra.sql", "{% macro extra() %}{% endmacro %}"),
    "the project": ("dbt/dbt_project.yml", "name: dataflow\n"),
    "the profile": ("dbt/profiles.yml", "dataflow: {}\n"),
    "a singular test": ("dbt/tests/shop/t.sql", "select * from {{ ref('daily') }}"),
}


@pytest.mark.parametrize(("path", "content"), CHANGES.values(), ids=CHANGES)
def test_what_goes_into_a_manifest_changes_its_hash(project, path, content):
    workflow = write_models(project)
    before = manifest_hash(workflow, project.settings())

    project.write_file(path, content)

    assert before != manifest_hash(workflow, project.settings())


def test_a_changed_column_of_the_config_changes_the_hash(project):
    before = manifest_hash(write_models(project), project.settings())

    source = {"type": "mock", "columns": {"event_id": "BIGINT"}}

    assert before != manifest_hash(write_models(project, sources={"events": source}), project.settings())


def test_another_workflow_and_the_written_sources_leave_the_hash(project):
    workflow = write_models(project)
    before = manifest_hash(workflow, project.settings())

    write_models(project, "shop_report")
    project.write_file("dbt/models/shop/_sources.yml", "version: 2\n")
    project.write_file("dbt/models/shop/.daily.sql.swp", "x")

    assert before == manifest_hash(workflow, project.settings())


def test_models_that_were_never_compiled_are_a_problem(project):
    problem = manifest_problem(write_models(project), project.settings())

    assert "dbt/models/shop:1:1: dbt: the models are not compiled; run `dataflow dbt compile shop`" == str(problem)


def test_models_that_changed_since_they_were_compiled_are_a_problem(project):
    workflow = write_models(project)
    write_manifest(project, workflow, {"model.daily": []})
    assert manifest_problem(workflow, project.settings()) is None

    project.write_model("shop", "daily", "select 2 as event_id")

    assert "changed since they were compiled" in str(manifest_problem(workflow, project.settings()))


def test_a_manifest_of_a_workflow_with_a_longer_name_is_no_older_one(project):
    longer = write_models(project, "shop_report")
    write_manifest(project, longer, {"model.daily": []})

    assert "are not compiled" in str(manifest_problem(write_models(project), project.settings()))


def test_a_missing_dbt_project_is_told(tmp_path):
    project = Project(tmp_path)

    with pytest.raises(InputError, match=r"no dbt project at .*: dbt_project.yml is missing"):
        manifest_path(project.settings(), write_models(project))


def test_the_hash_of_twenty_models_takes_less_than_two_milliseconds(project):
    workflow = write_models(project)
    for number in range(18):
        project.write_model("shop", f"m{number}", "select 1 as x\n" * 50)
    settings = project.settings()
    manifest_hash(workflow, settings)

    with effort() as fifty:
        for _ in range(50):
            manifest_hash(workflow, settings)

    assert fifty.seconds / 50 < 0.002


def test_neither_the_hash_nor_its_module_imports_dbt():
    code = """
import sys
import dataflow.modelling.manifest, dataflow.modelling.environment
from dataflow.modelling.manifest import _versions
_versions()
print(sorted({"dbt", "duckdb", "cosmos", "airflow", "jinja2", "pandas"} & set(sys.modules)))
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
