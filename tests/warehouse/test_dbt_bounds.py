"""Where models of dbt write: real builds of models that reach into the schemas of a neighbour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflow.modelling.build import build_models
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.schemas import tables_in
from kit.databases import lake_settings
from kit.models import write_models
from kit.project import Project
from kit.warehouse import day

THEIRS = {"shop_report.daily": "models", "staging_shop_report.events": "loaded", "_dataflow.builds": "ours"}


@pytest.fixture(params=["file", pytest.param("lake", marks=pytest.mark.postgres)])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "project", dbt=True)
    if request.param == "file":
        yield project
        return
    with lake_settings() as setting:
        project.write_file(".env", f"DATAFLOW_WAREHOUSE={setting}\n")
        yield project


def in_hook(statement: str) -> str:
    """Give a model with a hook of which only a run knows what it is."""
    return f"{{{{ config(pre_hook=\"{{{{ '{statement}' }}}}\") }}}} select 1 as a"


@pytest.mark.slow
def test_models_write_in_their_own_schemas_and_leave_a_neighbours_as_they_are(project: Project) -> None:
    workflow = write_models(project, "shop", dbt={"tests": "none"})
    write_models(project, "shop_report")
    for file in (project.root / "dbt/models/shop").iterdir():
        file.unlink()
    elsewhere = {f"drops_{kind}": in_hook(f"drop table if exists {name}") for name, kind in THEIRS.items()} | {
        "deletes": in_hook("with x as (select 1) delete from warehouse.shop_report.daily"),
        "moves": in_hook("use shop_report"),
        "asks": "{% do run_query('truncate shop_report.daily') if execute %} select 1 as a",
    }
    own = {
        "a_table": "{{ config(post_hook='create or replace view {{ this.schema }}.seen as from {{ this }}') }} "
        "select 1 as a",
        "a_view": "{{ config(materialized='view', schema='interim') }} select * from {{ ref('a_table') }}",
        "grows": "{{ config(materialized='incremental', unique_key='a') }} select * from {{ ref('a_table') }}",
        "merges": "{{ config(materialized='incremental', incremental_strategy='merge', unique_key='a') }} "
        "select * from {{ ref('a_table') }}",
        "alone": "{{ config(pre_hook='create temp table t as select 1 as a') }} select * from t",
    }
    for name, text in (elsewhere | own).items():
        project.write_model("shop", name, text)
    project.write_file("dbt/models/shop/fruit.csv", "name\npear\n")
    project.write_file("dbt/models/shop/of_python.py", "def model(dbt, session):\n    return dbt.ref('fruit').df()\n")
    snapshot = "{% snapshot kept %}{{ config(unique_key='a', strategy='check', check_cols='all') }} select 1 as a"
    project.write_file("dbt/snapshots/shop/kept.sql", f"{snapshot} {{% endsnapshot %}}")
    # DuckLake 1.0 loses sight of tables now and then while other threads' transactions are rolled back.
    profiles = project.root / "dbt/profiles.yml"
    profiles.write_text(profiles.read_text().replace("threads: 4", "threads: 1"))
    settings = project.settings()
    create_warehouse(settings, ["shop", "shop_report"])
    with open_warehouse(settings, purpose="test") as connection:
        connection.execute("CREATE TABLE shop_report.daily AS SELECT 1 AS a")
        connection.execute("CREATE TABLE staging_shop_report.events AS SELECT 1 AS a")

    for run in ("r1", "r2"):  # the second time there is something to replace, and to add to
        outcome = build_models(settings, workflow, window=day(0), run_id=run)

        messages = {node.name: node.message for node in outcome.nodes if node.status == "failed"}
        assert set(elsewhere) == set(messages)
        for name in elsewhere:
            assert "models, hooks and macros write to the workflow's own schemas alone" in messages[name], name
            assert "dbt of the workflow shop may not write to" in messages[name], name
    with open_warehouse(settings, purpose="test") as connection:
        for name in THEIRS:
            assert connection.execute(f"SELECT count(*) > 0 FROM {name}").fetchone() == (True,), name
        assert [(1,)] == connection.execute("FROM shop.seen UNION FROM shop_interim.a_view").fetchall()


@pytest.mark.slow
def test_nothing_is_built_where_a_model_would_lie_in_a_neighbours_schema(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", dbt=True)
    workflow = write_models(project, "shop")
    write_models(project, "shop_report")
    project.write_model("shop", "daily", "{{ config(schema='report') }} select 1 as event_id")
    settings = project.settings()
    create_warehouse(settings, ["shop", "shop_report"])

    outcome = build_models(settings, workflow, window=day(0), run_id="r1")

    assert "may not write to warehouse.shop_report, which is of the workflow shop_report" in outcome.error
    with open_warehouse(settings, purpose="test") as connection:
        assert {} == tables_in(connection, "shop_report")
