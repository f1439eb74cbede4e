from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import TaskGroup
from airflow.serialization.serialized_objects import DagSerialization

from dataflow.factory.dag import build_dag
from dataflow.loading.carried import carry
from kit.project import MOCK_CONFIG, Project

SHOP: dict[str, Any] = {
    "title": "Shop orders",
    "description": "Orders of the shop.",
    "owner": "sales",
    "domain": "shop.orders",
    "owner_links": {"sales": "https://chat.example.com/sales", "shipping": "mailto:ships@example.com"},
    "tags": ["daily", "sales"],
    "schedule": {"cron": "0 2 * * *", "timezone": "Europe/Berlin"},
    "start_date": "2025-01-01",
    "catchup": True,
    "max_active_runs": 3,
    "retries": 4,
    "retry_delay": "30s",
    "retry_exponential_backoff": True,
    "execution_timeout": "10m",
    "dagrun_timeout": "2h",
    "pool": "shops",
    "priority_weight": 7,
    "params": {
        "week_ending": {"type": "string", "format": "date", "default": None},
        "size": {"type": "string", "enum": ["s", "m"], "default": None, "title": "Size", "description": "Of a shoe"},
        "batch": {"type": "integer", "minimum": 1, "default": 5},
    },
    "sources": {
        name: {"type": "mock", "rows": 5, "columns": {"id": "BIGINT", "at": "TIMESTAMPTZ"}}
        for name in ("orders", "customers")
    },
    "validate": {"orders": [{"not_null": "id"}]},
    "load": {"orders": {"mode": "append"}, "customers": {"mode": "append"}},
}


def built(project: Project, name: str = "shop", config: Any = None) -> Any:
    project.write_workflow(name, SHOP if config is None else config)
    return build_dag(project.workflow(name), project.settings())


def test_a_dag_says_what_the_config_says(project: Project) -> None:
    dag = built(project)

    expected = {
        "dag_id": "shop",
        "dag_display_name": "Shop orders",
        "description": "Orders of the shop.",
        "owner_links": {"sales": "https://chat.example.com/sales"},
        "tags": {"daily", "sales"},
        "start_date": datetime(2025, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")),
        "catchup": True,
        "max_active_runs": 3,
        "dagrun_timeout": timedelta(hours=2),
    }
    assert expected == {name: getattr(dag, name) for name in expected}


def test_every_task_has_the_arguments_of_the_config(project: Project) -> None:
    dag = built(project)

    expected = {
        "owner": "sales",
        "retries": 4,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,
        "execution_timeout": timedelta(minutes=10),
        "pool": "shops",
        "priority_weight": 7,
    }
    for task in dag.tasks:
        assert expected == {name: getattr(task, name) for name in expected}


def test_the_tasks_are_those_of_the_plan_in_its_order(project: Project) -> None:
    dag = built(project)

    expected = {task.id: set(task.after) for task in project.workflow("shop").plan.tasks}
    assert expected == {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}


def test_the_graph_shows_a_group_for_each_kind_of_task(project: Project) -> None:
    dag = built(project)

    groups = {name: child for name, child in dag.task_group.children.items() if isinstance(child, TaskGroup)}
    shown = {name: sorted(group.children) for name, group in groups.items()}
    expected = {
        "ingest": ["ingest.customers", "ingest.orders"],
        "validate": ["validate.orders"],
        "transform": ["transform.customers", "transform.orders"],
    }
    assert expected == shown


def test_tasks_update_the_assets_of_their_tables(project: Project) -> None:
    dag = built(project)

    updated = {task.task_id: [asset.name for asset in task.outlets] for task in dag.tasks}
    expected = {
        "ingest.orders": ["raw/shop/orders"],
        "ingest.customers": ["raw/shop/customers"],
        "validate.orders": [],
        "transform.orders": ["staging/shop/orders"],
        "transform.customers": ["staging/shop/customers"],
        "publish": ["warehouse/shop/orders", "warehouse/shop/customers"],
    }
    assert expected == updated


def test_a_param_with_a_null_default_may_be_null_on_a_schedule(project: Project) -> None:
    params = built(project).params

    assert params.dump() == {"week_ending": None, "size": None, "batch": 5}
    assert params.get_param("week_ending").schema["type"] == ["string", "null"]
    assert params.get_param("size").schema["enum"] == ["s", "m", None]


def test_the_public_spec_survives_serialization(project: Project) -> None:
    dag = built(project)

    serialized = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    read = DagSerialization.from_dict(serialized)

    expected = carry(project.workflow("shop"))
    assert json.loads(json.dumps(expected)) == read.default_args["dataflow"]


def test_what_airflow_keeps_of_a_dag_names_no_place_of_this_machine(project: Project) -> None:
    dag = built(project)
    dag.fileloc = "workflows.py"  # the file that Airflow read, which is its own to know

    serialized = json.dumps(DagSerialization.to_dict(dag))

    assert str(project.root) not in serialized


def test_the_same_config_gives_the_same_dag(project: Project) -> None:
    first = DagSerialization.to_dict(built(project))

    assert first == DagSerialization.to_dict(built(project))


def test_a_manual_workflow_without_a_start_date_is_a_dag(project: Project) -> None:
    config = {**MOCK_CONFIG, "schedule": "manual", "start_date": None}
    config["sources"] = {
        "events": {"type": "python", "columns": {"id": "BIGINT"}, "windowed": False},
    }
    project.write_workflow("by_hand", {k: v for k, v in config.items() if v is not None}, ingestion=INGESTION)

    dag = build_dag(project.workflow("by_hand"), project.settings())

    assert dag.start_date is None
    assert dag.schedule is None


INGESTION = "def events(ctx):\n    yield [{'id': 1}]\n"


def test_documentation_names_the_config_relative_to_the_project(project: Project) -> None:
    doc = built(project).doc_md

    assert doc.startswith("Orders of the shop.\n")
    assert "- **Config** *include/workflows/shop/config.yaml*" in doc
    assert not Path(doc).is_absolute()
