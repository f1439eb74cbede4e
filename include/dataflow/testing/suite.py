"""The standard suite, as pytest items of a workflow's ``config.yaml``, for ``pytest -p dataflow.testing.suite``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dataflow.errors import ConfigError
from dataflow.loading.load import load_workflow
from dataflow.paths import WORKFLOWS, workflow_around
from dataflow.settings import Settings
from dataflow.testing.code_rules import docstring_complaints, function_complaints
from dataflow.testing.idempotency import idempotency_complaints
from dataflow.testing.model_rules import model_complaints

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow

__all__ = ["STANDARD_SUITE"]

Rule = Callable[["Workflow", Settings], Sequence[str]]

STANDARD_SUITE: dict[str, Rule] = {
    "config": lambda _, __: (),
    "functions": function_complaints,
    "docstrings": docstring_complaints,
    "models": model_complaints,
    "idempotency": idempotency_complaints,
}
"""What holds for every workflow. ``config`` is told while the workflow is read: the others need a valid one."""


class Complaints(Exception):
    """What a rule found; each says where, what and how to mend it."""


class WorkflowConfig(pytest.File):
    """A workflow's config, as the place of its standard suite."""

    def collect(self) -> Iterator[pytest.Item]:
        """Give one item a rule."""
        for name in STANDARD_SUITE:
            yield StandardTest.from_parent(self, name=name)


class StandardTest(pytest.Item):
    """One rule of the standard suite."""

    def runtest(self) -> None:
        """Judge the workflow by the rule."""
        project, name = workflow_around(self.path)
        settings = Settings.load(project)
        try:
            workflow = load_workflow(project, name, environment=settings.environment)
        except ConfigError as error:
            if self.name == "config":
                raise Complaints(str(error)) from None
            pytest.skip("the config is broken")
        complaints = STANDARD_SUITE[self.name](workflow, settings)
        if complaints:
            raise Complaints("\n".join(complaints))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what was found, without a traceback of ours."""
        if isinstance(excinfo.value, Complaints):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the test as people read it."""
        return self.path, None, f"standard suite: {self.name}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Make the standard suite of a workflow's config."""
    of_a_workflow = file_path.name == "config.yaml" and file_path.parent.parent.name == WORKFLOWS.name
    return WorkflowConfig.from_parent(parent, path=file_path) if of_a_workflow else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the program that starts us read what came of each test."""
    parser.addoption("--dataflow-outcomes", metavar="FILE", help="Write each test's outcome into this file, as JSON.")


def pytest_configure(config: pytest.Config) -> None:
    """Write the outcomes where they are asked for."""
    file = config.getoption("--dataflow-outcomes")
    if file:
        config.pluginmanager.register(_Outcomes(Path(file)))


class _Outcomes:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.rows: dict[str, dict[str, Any]] = {}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._keep(report.nodeid, "failed", message=_message(report), took=0.0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        known = self.rows.get(report.nodeid)
        took = report.duration + (known["seconds"] if known else 0.0)
        if report.when == "call" or report.outcome != "passed":
            self._keep(report.nodeid, report.outcome, message=_message(report), took=took)
        elif known:
            known["seconds"] = round(took, 2)

    def pytest_sessionfinish(self) -> None:
        self.file.write_text(json.dumps(list(self.rows.values())), encoding="utf-8")

    def _keep(self, test: str, outcome: str, *, message: str, took: float) -> None:
        self.rows[test] = {"test": test, "outcome": outcome, "message": message, "seconds": round(took, 2)}


def _message(report: pytest.CollectReport | pytest.TestReport) -> str:
    """Give what went wrong in a few lines: where, and what pytest says of it."""
    if report.outcome == "passed":
        return ""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    text = f"{crash.path}:{crash.lineno}: {crash.message}" if crash is not None else str(report.longrepr)
    return "\n".join(text.splitlines()[:MAX_LINES])


MAX_LINES = 15
