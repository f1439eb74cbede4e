from __future__ import annotations

from typing import Any

import yaml

from dataflow.modelling.sources_yml import render_sources
from dataflow.spec.workflow import WorkflowSpec
from kit.project import MOCK_CONFIG, Project

COLUMNS = {"event_id": "BIGINT", "happened_at": {"type": "TIMESTAMPTZ", "description": "When it happened."}}
OURS = ["_dataflow_run", "_dataflow_window_start", "_dataflow_window_end"]


def sources(project: Project, **config: Any) -> dict[str, Any]:
    source = {"type": "mock", "description": "One event.", "columns": COLUMNS}
    project.write_workflow("shop", {**MOCK_CONFIG, "sources": {"events": source}, **config})
    return yaml.safe_load(render_sources(project.workflow("shop").spec))["sources"][0]


def column_types(table: dict[str, Any]) -> dict[str, str | None]:
    return {column["name"]: column.get("data_type") for column in table["columns"] if column["name"] not in OURS}


def test_every_loaded_table_is_a_source_in_the_staging_schema_of_its_workflow(project: Project) -> None:
    found = sources(project)

    assert ("staging", "staging_shop") == (found["name"], found["schema"])
    assert ["events"] == [table["name"] for table in found["tables"]]


def test_a_table_carries_columns_types_and_descriptions_of_the_config(project: Project) -> None:
    table = sources(project)["tables"][0]

    expected = [
        {"name": "event_id", "quote": True, "data_type": "BIGINT"},
        {"name": "happened_at", "quote": True, "data_type": "TIMESTAMPTZ", "description": "When it happened."},
    ]
    assert "One event." == table["description"]
    assert expected == table["columns"][:2]
    assert OURS == [column["name"] for column in table["columns"][2:]]


def test_columns_are_those_after_the_stages(project: Project) -> None:
    stages = [
        {"rename": {"event_id": "id"}},
        {"derive": {"twice": "id * 2"}},
        {"cast": {"id": "VARCHAR"}},
        {"drop": "happened_at"},
        "add_timestamps",
    ]

    table = sources(project, transform={"events": stages})["tables"][0]

    assert {"id": "VARCHAR", "twice": None, "loaded_at": "TIMESTAMPTZ"} == column_types(table)


def test_a_table_that_sql_makes_is_listed_without_columns(project: Project) -> None:
    table = sources(project, transform={"events": [{"sql": "select 1 as x from events"}]})["tables"][0]

    assert "columns" not in table


def test_braces_of_a_spec_are_no_jinja_for_dbt() -> None:
    """A config may not hold them there, but what is published of another workflow is read back unchecked."""
    source = {"type": "mock", "description": "As {{ env_var('HOME') }}.", "columns": {"event_id": "BIGINT"}}
    spec = WorkflowSpec.model_validate({**MOCK_CONFIG, "name": "shop", "sources": {"events": source}})

    table = yaml.safe_load(render_sources(spec))["sources"][0]["tables"][0]

    assert "{% raw %}As {{ env_var('HOME') }}.{% endraw %}" == table["description"]


def test_a_freshness_check_becomes_dbts(project: Project) -> None:
    check = {"freshness": {"column": "happened_at", "max_age": "36h"}}

    table = sources(project, validate={"events": [check]})["tables"][0]

    expected = {"loaded_at_field": '"happened_at"', "freshness": {"error_after": {"count": 36, "period": "hour"}}}
    assert expected == table["config"]


def test_the_text_is_the_same_for_the_same_config(project: Project) -> None:
    project.write_workflow("shop")

    assert render_sources(project.workflow("shop").spec) == render_sources(project.workflow("shop").spec)
