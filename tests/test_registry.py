from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dataflow.errors import Problem
from dataflow.loading import crosscheck
from dataflow.loading.carried import carry, format_import_error
from dataflow.registry import load_registry, read_published
from dataflow.spec.workflow import WorkflowSpec
from kit.project import MOCK_CONFIG, Project

READER = {"description": "x", "owner": "x", "sources": {"events": {"type": "published", "table": "events.events"}}}


def carried_by(project: Project) -> dict[str, dict[str, object]]:
    return {name: carry(workflow) for name, workflow in project.registry().workflows.items()}


def test_a_broken_config_hides_no_other(project: Project) -> None:
    for name in ("zebra", "broken", "ant"):
        project.write_workflow(name)
    project.write_workflow("broken", "shedule: manual\n")

    registry = project.registry()

    assert ["ant", "zebra"] == list(registry.workflows)
    assert {"include/workflows/broken/config.yaml"} == {problem.path for problem in registry.problems}


def test_a_fault_of_ours_is_told_as_ours_and_hides_no_other(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write_workflow("ant")
    project.write_workflow("faulty", {**MOCK_CONFIG, "tags": ["unlucky"]})

    def build_plan(spec: WorkflowSpec, **_: Any) -> Any:
        if "unlucky" in spec.tags:
            raise ZeroDivisionError("three rows\nby none")
        return sound_plan(spec, **_)

    sound_plan = crosscheck.build_plan
    monkeypatch.setattr(crosscheck, "build_plan", build_plan)
    registry = project.registry()

    assert ["ant"] == list(registry.workflows)
    assert (
        "include/workflows/faulty/config.yaml:1:1: a fault of dataflow, not of this config: ZeroDivisionError: "
        "three rows by none; report it, with this config"
    ) == str(registry.problems[0])


def test_an_empty_project_has_no_workflows(tmp_path: Path) -> None:
    registry = load_registry(tmp_path)

    assert ({}, ()) == (dict(registry.workflows), registry.problems)


def test_only_one_folder_is_read_when_one_is_asked_for(project: Project) -> None:
    project.write_workflow("events")
    project.write_workflow("broken", "shedule: manual\n")

    registry = load_registry(project.root, only="events")

    assert (["events"], ()) == (list(registry.workflows), registry.problems)


def test_one_that_is_not_there_is_no_error(project: Project) -> None:
    registry = load_registry(project.root, only="gone")

    assert ({}, ()) == (dict(registry.workflows), registry.problems)


def test_what_a_deleted_folder_leaves_behind_is_no_workflow(project: Project) -> None:
    (project.folder("gone") / "__pycache__").mkdir(parents=True)
    project.folder("_drafts").mkdir()
    project.folder(".hidden").mkdir()

    assert () == project.registry().problems


def test_a_folder_without_its_config_is_told(project: Project) -> None:
    project.write_file("include/workflows/shop/ingestion.py", "")

    expected = ["include/workflows/shop/config.yaml:1:1: there is no such file; write it, or remove the folder"]
    assert expected == [str(problem) for problem in project.registry().problems]


def test_the_environment_comes_from_the_variable(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write_workflow("events")
    project.write_file("include/workflows/events/config.prod.yaml", "retries: 9\n")
    monkeypatch.setenv("DATAFLOW_ENVIRONMENT", "prod")

    assert 9 == project.registry().workflows["events"].spec.retries


def test_a_mistake_in_the_defaults_is_told_once(project: Project) -> None:
    project.write_workflow("one")
    project.write_workflow("two")
    project.write_file("include/workflows/defaults.yaml", "retrys: 5\n")

    expected = ["include/workflows/defaults.yaml:1:1: retrys: unknown key; did you mean 'retries'?"]
    assert expected == [str(problem) for problem in project.registry().problems]


def test_a_reader_of_a_healthy_workflow_is_healthy(project: Project) -> None:
    project.write_workflow("events")
    project.write_workflow("reader", READER)

    assert ["events", "reader"] == list(project.registry().workflows)


def test_a_reader_of_a_broken_workflow_keeps_running(project: Project) -> None:
    project.write_workflow("events", "shedule: manual\n")
    project.write_workflow("reader", READER)

    assert ["reader"] == list(project.registry().workflows)


def test_what_was_carried_is_read_as_healthy(project: Project) -> None:
    project.write_workflow("events")
    workflow = project.workflow("events")

    published = read_published(carried_by(project), ["ModuleNotFoundError: something else"])

    events = published.workflows["events"]
    assert (workflow.spec, "healthy", ()) == (events.spec, events.state, events.problems)
    assert (("events",), ("events",)) == (events.tables, events.published_tables)
    assert workflow.config_hash == events.config_hash


@pytest.mark.parametrize(
    "path",
    [
        "include/workflows/events/config.yaml",
        "include/workflows/events/transform.py",
        "include/workflows/defaults.yaml",
        "dbt/models/events",
        "dbt/models/events/daily.sql",
    ],
)
def test_a_problem_of_its_files_makes_it_broken_with_its_last_good_spec(project: Project, path: str) -> None:
    project.write_workflow("events")
    problem = Problem(path, 1, 1, "retries", "expected a whole number")

    published = read_published(carried_by(project), [format_import_error([problem])])

    events = published.workflows["events"]
    assert ("broken", (problem,), 2) == (events.state, events.problems, events.spec.retries)


@pytest.mark.parametrize("path", ["include/workflows/events_two/config.yaml", "include/pipelines/shop.py"])
def test_a_problem_of_other_files_leaves_it_healthy(project: Project, path: str) -> None:
    project.write_workflow("events")

    published = read_published(carried_by(project), [format_import_error([Problem(path, 1, 1, "", "wrong")])])

    assert "healthy" == published.workflows["events"].state
    assert 1 == len(published.problems)


def test_a_problem_of_a_shared_module_breaks_those_that_name_it(project: Project) -> None:
    source = {"type": "python", "callable": "pipelines.shop:orders"}
    project.write_file("include/pipelines/shop.py", "def orders(ctx):\n    yield []\n")
    project.write_workflow("events", {"description": "x", "owner": "x", "sources": {"orders": source}})
    carried = carried_by(project)

    published = read_published(
        carried, [format_import_error([Problem("include/pipelines/shop.py", 1, 1, "", "not valid Python")])]
    )

    assert "broken" == published.workflows["events"].state


@pytest.mark.parametrize(
    "value",
    [{}, {"spec": None}, {"spec": {"name": "old", "gone": 1}}, {"spec": {}, "models": 3}, ["spec"], "spec", None],
)
def test_what_another_version_carried_is_a_problem_not_a_crash(project: Project, value: Any) -> None:
    project.write_workflow("events")
    carried = carried_by(project)
    broken = Problem("include/workflows/defaults.yaml", 1, 1, "", "unknown key")

    published = read_published({**carried, "old": value}, [format_import_error([broken])])

    assert ["events"] == list(published.workflows)
    assert "another version" in published.problems[-1].message


def test_reading_the_registry_imports_nothing_heavy(project: Project) -> None:
    project.write_workflow("events", {**MOCK_CONFIG, "schedule": "@daily"})
    code = (
        "import sys; from pathlib import Path; from dataflow.registry import load_registry\n"
        f"assert list(load_registry(Path({str(project.root)!r})).workflows) == ['events']\n"
        "heavy = {'airflow', 'pandas', 'duckdb', 'dbt', 'pyarrow', 'httpx', 'boto3', 'cosmos', 'jinja2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert "[]" == printed.strip()
