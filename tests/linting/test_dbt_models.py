from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataflow.linting.lint import lint
from dataflow.loading.workflow import Workflow
from dataflow.modelling.compile import compile_models
from dataflow.modelling.manifest import manifest_path
from kit.models import write_manifest, write_models
from kit.project import MOCK_CONFIG, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project", dbt=True)


def told(project: Project) -> list[str]:
    return [str(problem) for problem in lint(project.registry(), project.settings(), variables={})]


def materialize(project: Project, workflow: Workflow, model: str, kind: str) -> None:
    """Change in the compiled manifest how a model is made."""
    path = manifest_path(project.settings(), workflow)
    manifest = json.loads(path.read_text())
    manifest["nodes"][f"model.dataflow.{model}"]["config"]["materialized"] = kind
    path.write_text(json.dumps(manifest))


@pytest.mark.slow
def test_models_are_sound_once_they_are_compiled_and_stale_once_they_change(project: Project) -> None:
    workflow = write_models(project)
    before = told(project)
    assert [] == compile_models(project.settings(), [workflow])
    compiled = told(project)
    project.write_model("shop", "daily", "select 1 as event_id from {{ source('staging', 'events') }}")

    assert ["dbt/models/shop:1:1: warning: dbt: the models are not compiled; run `dataflow dbt compile shop`"] == before
    assert [] == compiled
    assert "changed since they were compiled; run `dataflow dbt compile shop`" in told(project)[0]


@pytest.mark.slow
def test_what_dbt_itself_refuses_is_told_at_its_file(project: Project) -> None:
    write_models(project)
    project.write_file("dbt/models/shop/shop.yml", "version: 2\nmodels:\n  - name: [daily\n")
    compile_models(project.settings(), [project.workflow("shop")])

    [problem] = lint(project.registry(), project.settings(), variables={})

    assert "dbt/models/shop/shop.yml" == problem.path
    assert "dataflow dbt compile shop" in problem.hint


def test_a_disabled_model_cannot_be_published(project: Project) -> None:
    write_manifest(project, write_models(project), {"model.daily": []})

    assert [
        "dbt/models/shop/latest.sql:1:1: dbt knows no model 'latest'; it may be disabled; enable or remove it"
    ] == told(project)


def test_an_ephemeral_model_cannot_be_published_unless_others_are_listed(project: Project) -> None:
    workflow = write_models(project)
    write_manifest(project, workflow, {"model.daily": [], "model.latest": ["model.daily"]})
    materialize(project, workflow, "daily", "ephemeral")
    of_all = told(project)
    project.write_workflow("shop", {**MOCK_CONFIG, "publish": {"models": ["latest"]}})

    assert 1 == len(of_all)
    assert "'daily' is ephemeral, so there is nothing to publish; make it a view" in of_all[0]
    assert [] == told(project)


def test_models_without_a_dbt_project_are_told(tmp_path: Path) -> None:
    project = Project(tmp_path / "bare")
    project.write_workflow("shop")
    project.write_model("shop", "daily", "select 1")

    [line] = told(project)

    assert line.startswith("dbt/models/shop:1:1: no dbt project at ")


def test_what_packages_bring_may_be_read(project: Project) -> None:
    workflow = write_models(project)
    project.write_model("shop", "latest", "select * from {{ ref('of_a_package') }}")
    (project.root / "dbt" / "dbt_packages").mkdir()
    write_manifest(project, workflow, {"model.daily": [], "model.latest": []})

    assert [] == told(project)


def test_seeds_snapshots_and_ones_own_sources_may_be_read(project: Project) -> None:
    workflow = write_models(project)
    project.write_file("dbt/models/shop/countries.csv", "code\nDE\n")
    project.write_file("dbt/models/shop/crm.yml", "sources:\n  - name: crm\n    tables: [{name: people}]\n")
    project.write_file("dbt/snapshots/shop/history.sql", "{% snapshot history %}select 1{% endsnapshot %}")
    project.write_model(
        "shop",
        "latest",
        "select * from {{ ref('countries') }}, {{ ref('history') }}, {{ source('crm', 'people') }}, {{ ref('daily') }}",
    )
    workflow = project.workflow("shop")
    write_manifest(project, workflow, {"model.daily": [], "model.latest": []})

    assert [] == told(project)


def test_what_a_python_model_reads_is_there(project: Project) -> None:
    project.write_workflow("shop")
    model = "def model(dbt, session):\n    dbt.config(materialized='table')\n    return dbt.{}\n"
    project.write_file("dbt/models/shop/totals.py", model.format("ref('eventz')"))
    project.write_file("dbt/models/shop/events.py", model.format('source("staging", "evnts")'))

    source, ref = told(project)

    assert source.startswith("dbt/models/shop/events.py:3:35: the source 'staging' has no table 'evnts'")
    assert ref.startswith("dbt/models/shop/totals.py:3:21: no model is called 'eventz'")
