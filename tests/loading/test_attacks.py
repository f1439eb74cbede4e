"""Hostile and broken files: refused at once, each with a clear word, and nobody else suffers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dataflow.errors import ConfigError, ContractError
from dataflow.loading.load import load_workflow
from dataflow.sources.files.file_paths import find_files
from kit.attacks import FROM_PYTHON, SOUND, THINGS, lay_out_attacks
from kit.effort import effort
from kit.program import program_in
from kit.project import REPOSITORY, Project

SECONDS = 1.0
"""Of work, within which each attack is over. What waits for something never ends, which the suite's timeout tells."""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[str]]:
    """A project of attacks, and one sound workflow among them."""
    project = Project(tmp_path_factory.mktemp("attacked"), dbt=True)
    project.write_workflow("sound", SOUND)
    return project, lay_out_attacks(project)


def test_each_attack_is_refused_within_a_second(attacked: tuple[Project, list[str]]) -> None:
    project, names = attacked
    told = {}
    for name in names:
        with effort() as loading, pytest.raises(ConfigError) as raised:
            load_workflow(project.root, name)
        assert loading.seconds < SECONDS, name
        told[name] = raised.value.problems

    assert len(names) > 40
    assert all(0 < len(problems) <= 150 for problems in told.values())
    assert all(len(str(problem)) < 1_500 for problems in told.values() for problem in problems)
    assert all(str(problem).isprintable() for problems in told.values() for problem in problems)


def test_the_program_tells_every_attack_and_shows_no_traceback(attacked: tuple[Project, list[str]]) -> None:
    project, names = attacked

    answer = program_in(project.root)("config", "validate", "--format", "json")
    of_one = program_in(project.root)("config", "validate", "alias_bomb")

    owners = {problem["path"].split("/")[2] for problem in answer.json}
    assert (1, 1) == (answer.code, of_one.code)
    assert set(names) == owners
    assert "fault of dataflow" not in answer.out
    assert "Traceback" not in answer.err + of_one.out + of_one.err
    assert "alias" in of_one.out


@pytest.mark.airflow
def test_the_dag_file_builds_the_sound_one_and_the_errors_are_listed(attacked: tuple[Project, list[str]]) -> None:
    project, names = attacked
    code = (
        "import json, runpy\n"
        f"made = runpy.run_path({str(REPOSITORY / 'dags' / 'workflows.py')!r})\n"
        "dags = [name for name, value in made.items() if type(value).__name__ == 'DAG']\n"
        "try:\n"
        f"    runpy.run_path({str(REPOSITORY / 'dags' / 'config_errors.py')!r})\n"
        "except Exception as error:\n"
        "    print(json.dumps([dags, str(error)]))\n"
    )
    environment = {**os.environ, "DATAFLOW_PROJECT": str(project.root), "AIRFLOW_HOME": str(project.root / "airflow")}
    environment["DATAFLOW_MAINTENANCE"] = "off"

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )

    dags, told = json.loads(done.stdout.splitlines()[-1])
    assert ["sound"] == dags
    assert [] == [name for name in names if f"/{name}/" not in told]


@pytest.mark.parametrize("thing", sorted(THINGS.keys() - {"sparse", "link_out"}))
def test_what_is_no_data_file_is_not_opened(thing: str, tmp_path: Path) -> None:
    THINGS[thing](tmp_path / "orders.csv")

    with effort() as finding:
        for path in ("orders.csv", "*.csv"):
            with pytest.raises(ContractError, match="no file"):
                find_files(path, tmp_path)

    assert finding.seconds < SECONDS


@pytest.mark.parametrize("thing", sorted(THINGS))
def test_what_is_no_defaults_file_breaks_every_workflow_in_words(thing: str, project: Project) -> None:
    project.write_workflow("sound", SOUND)
    THINGS[thing](project.workflows / "defaults.yaml")

    registry = project.registry()

    assert {} == dict(registry.workflows)
    assert ["include/workflows/defaults.yaml"] == [problem.path for problem in registry.problems]


def test_a_module_of_nul_bytes_is_no_python(project: Project) -> None:
    project.write_workflow("events", FROM_PYTHON, ingestion="x = 1\0")

    with pytest.raises(ConfigError, match="not valid Python"):
        load_workflow(project.root, "events")
