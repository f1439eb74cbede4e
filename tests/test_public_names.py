"""What workflow modules and tools may import from ``dataflow``."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dataflow

PUBLIC = {
    "CheckResult",
    "ConfigError",
    "ContractError",
    "DataQualityError",
    "DataflowError",
    "FatalError",
    "InputError",
    "LandingError",
    "LockTimeout",
    "Problem",
    "RunResult",
    "RunSuperseded",
    "StepContext",
    "StepError",
    "StepResult",
    "Table",
    "TransientError",
    "list_workflows",
    "load_config",
    "load_registry",
    "run_workflow",
    "validate_config",
}


def test_these_names_are_public_and_no_others():
    assert PUBLIC == set(dataflow.__all__)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_is_there(name):
    assert getattr(dataflow, name).__name__ in (name, "DuckDBPyRelation")


def test_another_name_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'Workflow'"):
        _ = dataflow.Workflow


def test_importing_the_package_imports_nothing_else():
    code = "import sys, dataflow; print([m for m in sys.modules if m.startswith('dataflow.')])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == told.stdout.strip()


def test_tools_find_workflows_by_name(project, monkeypatch):
    project.write_workflow("shop")
    project.write_workflow("broken", {"description": "no owner"})
    monkeypatch.setenv("DATAFLOW_PROJECT", str(project.root))

    assert ("shop",) == dataflow.list_workflows()
    assert "shop" == dataflow.load_config("shop").name
    assert () == dataflow.validate_config("shop")
    assert any("owner" in problem.message + problem.key for problem in dataflow.validate_config("broken"))
    assert ["shop"] == list(dataflow.load_registry().workflows)


def test_tools_run_a_workflow_by_name(project, monkeypatch):
    project.write_workflow("shop")
    monkeypatch.setenv("DATAFLOW_PROJECT", str(project.root))

    assert "success" == dataflow.run_workflow("shop").status
