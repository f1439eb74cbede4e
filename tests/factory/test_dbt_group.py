from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.serialization.serialized_objects import DagSerialization

from dataflow.errors import LockTimeout
from dataflow.factory.dbt_group import dbt_group
from dataflow.factory.dbt_in_task import trust_only_this_pass
from kit.models import write_manifest, write_models
from kit.project import Project

NODES = {
    "model.daily": [],
    "model.latest": ["model.daily"],
    "test.unique_daily": ["model.daily"],
    "test.unique_latest": ["model.latest"],
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project", dbt=True)


def built(project: Project, nodes: dict[str, list[str]] | None = None, **config: Any) -> Any:
    workflow = write_models(project, **config)
    write_manifest(project, workflow, NODES if nodes is None else nodes)
    with DAG("shop", schedule=None, default_args={"retries": 0, "retry_delay": timedelta(minutes=9)}) as dag:
        dbt_group(workflow, project.settings())
    DagSerialization.to_dict(dag)
    return dag


def pools(dag: Any) -> dict[str, str]:
    return {task.task_id: task.pool for task in dag.tasks}


def test_a_tested_model_is_a_group_of_run_and_test(project: Project) -> None:
    dag = built(project, {**NODES, "model.untested": ["model.latest"]})

    expected = {
        "dbt.dbt_producer_watcher",
        "dbt.dbt_producer_watcher_done",
        "dbt.daily.run",
        "dbt.daily.test",
        "dbt.latest.run",
        "dbt.latest.test",
        "dbt.untested_run",
    }
    assert expected == set(dag.task_ids)
    assert {"dbt.daily.test"} == dag.get_task("dbt.latest.run").upstream_task_ids


def test_only_the_producer_is_in_the_pool_of_the_warehouse(project: Project) -> None:
    found = pools(built(project))

    assert ["dbt.dbt_producer_watcher"] == [task for task, pool in found.items() if pool == "warehouse"]


def test_errors_that_are_never_tried_again_are_not_by_dbts_tasks_either(project: Project) -> None:
    dag = built(project, never_retry=["LockTimeout"])

    policies = {task.task_id: task.retry_policy for task in dag.tasks if "producer" not in task.task_id}
    assert policies.keys() == {"dbt.daily.run", "dbt.daily.test", "dbt.latest.run", "dbt.latest.test"}
    lost, other = LockTimeout(Path("warehouse.duckdb"), 1800, "somebody"), RuntimeError("lost")
    for policy in policies.values():
        decisions = [policy.evaluate(error, 1, 3).action for error in (lost, other)]
        assert [RetryAction.FAIL, RetryAction.DEFAULT] == decisions


def test_every_local_task_is_in_the_pool_and_has_no_producer(project: Project) -> None:
    found = pools(built(project, dbt={"execution": "local"}))

    assert dict.fromkeys(["dbt.daily.run", "dbt.daily.test", "dbt.latest.run", "dbt.latest.test"], "warehouse") == found


def test_one_test_task_after_all_is_in_the_pool(project: Project) -> None:
    dag = built(project, dbt={"tests": "after_all"})

    assert "warehouse" == dag.get_task("dbt.dbt_test").pool
    assert {"dbt.latest_run"} == dag.get_task("dbt.dbt_test").upstream_task_ids


def test_without_tests_there_is_one_task_a_model(project: Project) -> None:
    dag = built(project, dbt={"tests": "none"})

    assert {"dbt.daily_run", "dbt.latest_run"} == {task for task in dag.task_ids if "producer" not in task}


def test_a_task_is_tried_again_soon_and_the_producer_never(project: Project) -> None:
    """The producer never builds twice, and what follows it goes on after its failure."""
    dag = built(project, retries=0)

    producer, done = dag.get_task("dbt.dbt_producer_watcher"), dag.get_task("dbt.dbt_producer_watcher_done")
    assert (0, "all_done") == (producer.retries, done.trigger_rule)
    for model in ("dbt.daily.run", "dbt.daily.test"):
        assert (2, timedelta(seconds=5)) == (dag.get_task(model).retries, dag.get_task(model).retry_delay)


def test_more_retries_of_the_config_hold_for_models_too(project: Project) -> None:
    assert 7 == built(project, retries=7).get_task("dbt.daily.run").retries


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, False),
        ({"params": {"full_refresh": {"type": "boolean", "default": False}}}, "{{ params.full_refresh }}"),
        ({"params": {"anew": {"type": "boolean"}}, "dbt": {"full_refresh": "params.anew"}}, "{{ params.anew }}"),
        ({"dbt": {"full_refresh": True}}, True),
    ],
)
def test_full_refresh_is_the_param_of_that_name_or_what_the_config_says(
    project: Project, config: dict[str, Any], expected: bool | str
) -> None:
    dag = built(project, **config)

    assert expected == dag.get_task("dbt.dbt_producer_watcher").full_refresh
    assert expected == dag.get_task("dbt.daily.run").full_refresh


@pytest.mark.parametrize(("rendered", "flags"), [("True", ["--full-refresh"]), ("False", []), ("None", [])])
def test_the_rendered_template_of_full_refresh_is_a_real_boolean(
    project: Project, rendered: str, flags: list[str]
) -> None:
    producer = built(project).get_task("dbt.dbt_producer_watcher")

    producer.full_refresh = rendered

    assert [*flags, "--log-format", "json"] == producer.add_cmd_flags()


def test_a_test_of_two_models_runs_with_the_last_of_them(project: Project) -> None:
    """Its first model is cleared, and its second not built yet: its table would be missing."""
    dag = built(project, {**NODES, "test.related": ["model.daily", "model.latest"]})

    assert ("related", None) == (dag.get_task("dbt.daily.test").exclude, dag.get_task("dbt.latest.test").exclude)


def test_a_test_of_two_models_side_by_side_waits_for_both(project: Project) -> None:
    nodes = {
        "model.alpha": [],
        "model.beta": [],
        "test.unique_alpha": ["model.alpha"],
        "test.unique_beta": ["model.beta"],
        "test.related": ["model.beta", "model.alpha"],
    }

    dag = built(project, nodes, dbt={"execution": "local"})

    assert {"dbt.alpha.run", "dbt.beta.run"} == dag.get_task("dbt.beta.test").upstream_task_ids
    assert "related" == dag.get_task("dbt.alpha.test").exclude


def test_what_is_serialized_names_no_path_but_the_projects(project: Project) -> None:
    task = built(project).get_task("dbt.daily.run")

    expected = {
        "DATAFLOW_WORKFLOW": "shop",
        "DATAFLOW_DBT_MODELS": "models/shop",
        "DBT_USE_COLORS": "false",
        "DO_NOT_TRACK": "1",
    }
    assert expected == task.env


def test_no_task_emits_assets_of_cosmos(project: Project) -> None:
    assert [] == [task.task_id for task in built(project).tasks if getattr(task, "emit_datasets", False)]


@pytest.mark.parametrize(("built_in", "now", "runs_itself"), [(0, 0, False), (0, 1, True), (None, 1, False)])
def test_a_report_from_before_the_run_was_cleared_is_not_believed(
    project: Project, built_in: int | None, now: int, runs_itself: bool
) -> None:
    task = built(project).get_task("dbt.daily.run")
    poke = task.poke
    ti = SimpleNamespace(task=task, xcom_pull=lambda task_ids, key: built_in)

    trust_only_this_pass({"ti": ti, "dag_run": SimpleNamespace(clear_number=now)})

    assert runs_itself == (task.poke != poke)


def test_cosmos_is_imported_by_the_first_group_only() -> None:
    """Airflow itself imports the package's root, where it looks for providers."""
    code = """
import sys
import dataflow.factory.dbt_group
print(sorted({"cosmos.converter", "cosmos.operators.local", "dbt", "duckdb"} & set(sys.modules)))
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip().splitlines()[-1]
