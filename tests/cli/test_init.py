from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from kit.program import Program
from kit.project import Project


@pytest.mark.slow
@pytest.mark.airflow
@pytest.mark.timeout(300)
def test_what_airflow_needs_is_made_within_the_project(project: Project, dataflow: Program, tmp_path: Path) -> None:
    project.write_workflow("events")
    home = tmp_path / "home"
    home.mkdir()

    answer = dataflow("init", HOME=str(home), AIRFLOW_HOME="")  # tests of the factory name one of their own

    assert (0, "Ready.") == (answer.code, answer.out.splitlines()[-1]), answer.err
    assert [] == list(home.iterdir())
    with sqlite3.connect(project.root / ".dataflow" / "airflow" / "airflow.db") as database:
        assert [(1,)] == database.execute("select slots from slot_pool where pool = 'warehouse'").fetchall()
