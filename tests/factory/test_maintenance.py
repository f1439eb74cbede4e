"""The upkeep's DAG: there once, with a task a chore, unless it is switched off."""

from __future__ import annotations

import pytest

from dataflow.factory.build import build_dags, build_project
from dataflow.factory.maintenance import MAINTENANCE
from kit.project import Project


def test_a_house_in_parts_has_it_once(project: Project):
    project.write_workflow("shop")
    parts = [build_dags(project.registry(), settings=project.settings(), shard=(part, 3)) for part in range(3)]

    assert [True, False, False] == [MAINTENANCE in dags for dags in parts]
    assert {"orphans", "landing", "quarantine", "published", "history", "warehouse"} == set(
        parts[0][MAINTENANCE].task_ids
    )


def test_it_is_off_where_it_is_switched_off(project: Project, monkeypatch: pytest.MonkeyPatch):
    project.write_workflow("shop")
    monkeypatch.setenv("DATAFLOW_MAINTENANCE", "off")

    assert ["shop"] == list(build_project(str(project.root / "dags" / "workflows.py")).dags)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("every night", "a cron expression has 5 fields, this has 2; write a cron, or `off`"),
        ("61 3 * * *", "out of range; write a cron, or `off`"),
        ("@nightly", "is no schedule; write a cron, or `off`"),
        ("", "is no schedule; write a cron, or `off`"),
    ],
)
def test_a_schedule_that_is_none_is_told_and_every_workflow_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch, given: str, told: str
):
    project.write_workflow("shop")
    monkeypatch.setenv("DATAFLOW_MAINTENANCE", given)

    built = build_project(str(project.root / "dags" / "workflows.py"))

    assert ["shop"] == list(built.dags)
    (problem,) = built.problems
    assert (".env", "DATAFLOW_MAINTENANCE") == (problem.path, problem.key)
    assert str(problem.message).endswith(told)
    assert ["shop"] == list(build_dags(project.registry(), settings=project.settings(), shard=(0, 1)))


def test_a_preset_is_a_schedule_too(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATAFLOW_MAINTENANCE", "@weekly")

    assert [MAINTENANCE] == list(build_project(str(project.root / "dags" / "workflows.py")).dags)
