from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dataflow.factory.build import build, build_dags, build_project
from dataflow.loading.carried import parse_import_error
from kit.project import MOCK_CONFIG, REPOSITORY, Project

HEAVY = {"pandas", "duckdb", "dbt", "pyarrow", "httpx", "boto3", "numpy", "sqlalchemy", "cosmos", "croniter"}
"""What no parse needs. Airflow itself brings some of them; what is looked at is what we add."""


@pytest.fixture(autouse=True)
def no_upkeep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count workflows alone; the DAG of the upkeep has tests of its own."""
    monkeypatch.setenv("DATAFLOW_MAINTENANCE", "off")


def dag_file(project: Project, name: str) -> Path:
    folder = project.root / "dags"
    folder.mkdir(exist_ok=True)
    return Path(shutil.copy(REPOSITORY / "dags" / name, folder / name))


def executed(file: Path) -> dict[str, Any]:
    module = {"__name__": "dag_file", "__file__": str(file)}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), module)
    return module


def fresh(code: str, *, folder: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DO_NOT_TRACK": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_dag_file_has_every_healthy_workflow(project: Project) -> None:
    for name in ("zebra", "ant"):
        project.write_workflow(name)
    project.write_workflow("broken", {**MOCK_CONFIG, "ownr": "nobody"})

    module = executed(dag_file(project, "workflows.py"))

    dags = [name for name, value in module.items() if hasattr(value, "dag_id")]
    assert dags == ["ant", "zebra"]


def test_the_other_file_tells_every_broken_workflow_in_one_error(project: Project) -> None:
    project.write_workflow("healthy")
    for name in ("first", "second"):
        project.write_workflow(name, {**MOCK_CONFIG, "ownr": "nobody"})

    with pytest.raises(Exception, match="unknown key") as told:
        executed(dag_file(project, "config_errors.py"))

    assert str(told.value).startswith("\ndataflow: 2 problems\n")
    assert project.registry().problems == parse_import_error(str(told.value))


def test_the_other_file_is_silent_where_all_is_well(project: Project) -> None:
    project.write_workflow("healthy")

    module = executed(dag_file(project, "config_errors.py"))

    assert not [name for name, value in module.items() if hasattr(value, "dag_id")]


@pytest.mark.parametrize("name", ["workflows.py", "config_errors.py"])
def test_airflow_does_not_skip_the_files(name: str) -> None:
    text = (REPOSITORY / "dags" / name).read_text(encoding="utf-8").lower()

    assert "airflow" in text
    assert "dag" in text


def test_a_workflow_that_airflow_refuses_takes_no_other_along(project: Project) -> None:
    project.write_workflow("healthy")
    project.write_workflow("refused", {**MOCK_CONFIG, "tags": ["x" * 101]})

    built = build(project.registry(), settings=project.settings())

    assert list(built.dags) == ["healthy"]
    assert [problem.path for problem in built.problems] == ["include/workflows/refused/config.yaml"]
    assert "Airflow does not take it: ValueError: tag cannot be longer than 100 characters" in built.problems[0].message


def test_models_without_a_manifest_are_a_problem_of_their_workflow(project: Project) -> None:
    project.write_workflow("healthy")
    project.write_workflow("modelled")
    project.write_model("modelled", "daily", "select 1 as one")
    for file in ("dbt_project.yml", "profiles.yml"):
        project.write_file(f"dbt/{file}", "{}")

    built = build(project.registry(), settings=project.settings())

    assert list(built.dags) == ["healthy"]
    assert len(built.problems) == 1
    assert "dataflow dbt compile" in str(built.problems[0])


def test_a_task_outside_the_dbt_group_starts_without_its_manifest(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_workflow("modelled")
    project.write_model("modelled", "daily", "select 1 as one")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "modelled")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "publish")

    built = build_project(str(dag_file(project, "workflows.py")))

    assert list(built.dags) == ["modelled"]
    assert sorted(built.dags["modelled"].task_ids) == ["ingest.events", "publish", "transform.events"]


def test_at_a_tasks_start_only_its_own_workflow_is_built(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ant", "zebra"):
        project.write_workflow(name)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "zebra")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "publish")

    assert list(build_project(str(dag_file(project, "workflows.py"))).dags) == ["zebra"]


def test_the_project_is_the_one_that_the_environment_names(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_workflow("here")
    monkeypatch.setenv("DATAFLOW_PROJECT", str(project.root))
    elsewhere = tmp_path / "airflow" / "dags" / "workflows.py"

    assert list(build_project(str(elsewhere)).dags) == ["here"]


def test_a_setting_that_does_not_parse_is_told_and_raises_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_workflow("healthy")
    monkeypatch.setenv("DATAFLOW_LOCK_TIMEOUT", "soon")

    built = build_project(str(dag_file(project, "workflows.py")))

    assert built.dags == {}
    assert [problem.path for problem in built.problems] == [".env"]
    assert "DATAFLOW_LOCK_TIMEOUT" in str(built.problems[0]).upper()


def test_a_project_that_cannot_be_read_is_told_and_raises_nothing(project: Project) -> None:
    project.write_workflow("healthy")
    file = dag_file(project, "workflows.py")
    shutil.rmtree(project.workflows)
    project.workflows.write_text("a file where the folder was")

    built = build_project(str(file))

    assert built.dags == {}
    assert [problem.path for problem in built.problems] == ["include/workflows"]


def test_shards_share_the_workflows_and_each_keeps_its_own(project: Project) -> None:
    names = [f"flow_{number}" for number in range(12)]
    for name in names:
        project.write_workflow(name)
    registry, settings = project.registry(), project.settings()

    shards = [list(build_dags(registry, settings=settings, shard=(index, 3))) for index in range(3)]

    assert sorted(names) == sorted(name for shard in shards for name in shard)
    assert all(shards)
    project.write_workflow("flow_new")
    again = [list(build_dags(project.registry(), settings=settings, shard=(index, 3))) for index in range(3)]
    assert [[name for name in shard if name != "flow_new"] for shard in again] == shards


def test_a_parse_imports_nothing_heavy_that_airflow_does_not_import_itself(project: Project) -> None:
    project.write_workflow("mocked", {**MOCK_CONFIG, "params": {"full": {"type": "boolean", "default": False}}})
    project.write_workflow("months", {**MOCK_CONFIG, "schedule": {"cron": "@monthly", "partition": "month"}})
    project.write_workflow("follows", {**MOCK_CONFIG, "schedule": {"assets": ["warehouse/mocked/events"]}})
    file = dag_file(project, "workflows.py")
    plain = (
        "import json, sys\n"
        "import airflow.sdk\n"
        "from airflow.sdk import DAG, TaskGroup, Asset, Param, AssetOrTimeSchedule, CronPartitionTimetable\n"
        "from airflow.providers.standard.operators.python import PythonOperator\n"
        "with DAG('plain', schedule='@daily', params={'full': Param(False)}):\n"
        "    PythonOperator(task_id='one', python_callable=print)\n"
    )
    ours = f"import runpy, sys, json\nassert 'mocked' in runpy.run_path({str(file)!r})\n"
    seen = f"print(json.dumps(sorted({HEAVY!r} & set(sys.modules))))"

    added = set(fresh(ours + seen, folder=project.root)) - set(fresh(plain + seen, folder=project.root))

    assert added == set()


def test_loading_configs_imports_nothing_heavy_at_all(project: Project) -> None:
    project.write_workflow("mocked")
    code = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from dataflow.registry import load_registry\n"
        "from dataflow.settings import Settings\n"
        f"Settings.load(Path({str(project.root)!r}))\n"
        f"assert load_registry(Path({str(project.root)!r})).workflows\n"
        f"print(json.dumps(sorted(({HEAVY!r} | {{'airflow'}}) & set(sys.modules))))"
    )

    assert fresh(code, folder=project.root) == []
