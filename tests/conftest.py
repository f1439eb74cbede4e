"""What every test shares: a project of its own, and nothing of the developer's machine."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from dataflow.ops.history import History
from kit.project import Project

for variable in [name for name in os.environ if name.startswith(("DATAFLOW_", "AIRFLOW"))]:
    if not variable.startswith("DATAFLOW_TEST_"):  # where a test finds PostgreSQL and the like
        del os.environ[variable]
os.environ["DO_NOT_TRACK"] = "1"
os.environ["DATAFLOW_ALLOWED_HOSTS"] = "127.0.0.1"  # where servers of tests listen

NO_SKIPS = os.environ.get("DATAFLOW_TEST_NO_SKIPS") == "1"
"""In CI everything is there, so what is not run has failed."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{item.nodeid}: {why} (DATAFLOW_TEST_NO_SKIPS=1 allows no skip)"
    return report


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project under a temporary folder."""
    return Project(tmp_path / "project")


@pytest.fixture
def history(tmp_path: Path) -> History:
    """A run history of its own, without a project."""
    made = History(f"sqlite:///{tmp_path / 'ops.db'}")
    made.create()
    return made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the quick tests first: what breaks most is told soonest."""
    items.sort(key=lambda item: [item.get_closest_marker(name) is not None for name in ("airflow", "browser", "slow")])
