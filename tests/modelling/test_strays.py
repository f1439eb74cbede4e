"""Models that would lie outside their workflow's schemas are told by the compile, at their file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.linting.lint import lint
from dataflow.modelling.compile import compile_models
from dataflow.modelling.manifest import manifest_path
from kit.models import write_manifest, write_models
from kit.project import Project

SNAPSHOT = """{% snapshot history %}
{{ config(unique_key='event_id', strategy='check', check_cols='all',
          target_schema='other') }}
select * from {{ ref('daily') }}
{% endsnapshot %}
"""
HOOKED = """{{ config(
    pre_hook="delete from {{ this.schema }}.x where y = '{{ run_started_at }}'",
    post_hook=["select 1", "insert into other.audit select '{{ this }}'"]
) }}
select 1 as a
"""
PROPERTIES = "models:\n  - name: hooked\n    config:\n      post_hook: |\n        drop table\n        other.t\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project", dbt=True)


def told(project: Project) -> list[str]:
    """Compile, and give what that and `config validate` say alike."""
    compiled = compile_models(project.settings(), project.registry().workflows.values())
    linted = lint(project.registry(), project.settings(), variables={})
    assert [str(problem) for problem in compiled] == [str(problem) for problem in linted]
    return [str(problem) for problem in compiled]


@pytest.mark.slow
def test_a_snapshot_in_another_schema_is_told_at_its_config(project: Project) -> None:
    workflow = write_models(project)
    project.write_file("dbt/snapshots/shop/history.sql", SNAPSHOT)

    [line] = told(project)

    assert line.startswith("dbt/snapshots/shop/history.sql:3:1: dbt: history would lie in the schema other, which is")
    assert not manifest_path(project.settings(), workflow).exists()  # so there is no DAG that would do it


@pytest.mark.slow
def test_a_model_of_another_database_is_told_at_its_config(project: Project) -> None:
    write_models(project)
    project.write_model("shop", "daily", "\n{{ config(database='elsewhere') }} select 1 as event_id")

    [line] = told(project)

    assert line.startswith("dbt/models/shop/daily.sql:2:1: dbt: daily would lie in the database elsewhere")


@pytest.mark.slow
def test_a_hook_that_writes_elsewhere_is_told_where_it_stands(project: Project) -> None:
    write_models(project)
    project.write_model("shop", "hooked", HOOKED)
    in_model = told(project)
    project.write_model("shop", "hooked", "select 1 as a")
    project.write_file("dbt/models/shop/more.yml", PROPERTIES)
    in_properties = told(project)

    assert in_model[0].startswith(
        "dbt/models/shop/hooked.sql:3:1: dbt: in a hook, dbt of the workflow shop may not write to other.audit"
    )
    assert in_properties[0].startswith("dbt/models/shop/more.yml:5:1: dbt: in a hook, dbt of the workflow shop")


@pytest.mark.slow
def test_schemas_of_its_own_and_hooks_that_only_a_run_knows_pass(project: Project) -> None:
    write_models(project, publish={"models": ["latest"]})
    hook = "delete from {{ this }}; {% if true %} drop table other.t {% endif %}"
    project.write_model("shop", "interim", f'{{{{ config(schema="interim", pre_hook="{hook}") }}}} select 1 as a')

    assert [] == told(project)


def test_a_schema_that_is_a_neighbours_is_told(project: Project) -> None:
    workflow = write_models(project, publish={"models": ["latest"]})
    write_models(project, "shop_report")
    write_manifest(project, project.workflow("shop_report"), {"model.daily": [], "model.latest": []})
    write_manifest(project, workflow, {"model.daily": [], "model.latest": []}, schemas={"daily": "shop_report"})

    [problem] = lint(project.registry(), project.settings(), variables={})

    assert "it would lie in the schema shop_report, which is of the workflow shop_report" in str(problem)


def test_what_lies_in_another_schema_of_its_own_cannot_be_published(project: Project) -> None:
    workflow = write_models(project)
    write_manifest(project, workflow, {"model.daily": [], "model.latest": []}, schemas={"daily": "shop_interim"})

    [problem] = lint(project.registry(), project.settings(), variables={})

    assert "'daily' lies in the schema shop_interim, of which nothing is published" in str(problem)
