"""What tools call: workflows by their name, in the project that is found from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataflow import registry
from dataflow.errors import ConfigError
from dataflow.loading.load import load_workflow
from dataflow.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.errors import Problem
    from dataflow.interval import Interval
    from dataflow.registry import Registry
    from dataflow.runtime.result import RunResult
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["list_workflows", "load_config", "load_registry", "run_workflow", "validate_config"]


def load_registry(root: Path | None = None) -> Registry:
    """Give every workflow of a project, the one found from here by default, and the problems of broken configs."""
    settings = Settings.load(root)
    return registry.load_registry(settings.project, environment=settings.environment)


def list_workflows() -> tuple[str, ...]:
    """Give the names of the healthy workflows, sorted."""
    return tuple(load_registry().workflows)


def load_config(name: str) -> WorkflowSpec:
    """Give one workflow's config, checked.

    Raises:
        ConfigError: with everything that is wrong with it.
        InputError: when there is no such workflow.
    """
    settings = Settings.load()
    return load_workflow(settings.project, name, environment=settings.environment).spec


def validate_config(name: str) -> tuple[Problem, ...]:
    """Give everything that is wrong with one workflow's config; nothing when it is healthy.

    Raises:
        InputError: when there is no such workflow.
    """
    from dataflow.runtime.author_code.settings_check import check_settings

    settings = Settings.load()
    try:
        workflow = load_workflow(settings.project, name, environment=settings.environment)
    except ConfigError as exc:
        return exc.problems
    return tuple(check_settings([workflow], environment=settings.environment))


def run_workflow(name: str, *, params: Mapping[str, Any] | None = None, window: Interval | None = None) -> RunResult:
    """Run a workflow in this process, on the project's real data, and tell how it ended.

    Raises:
        ConfigError: when its config is broken.
        InputError: when there is no such workflow, or a param does not fit.
    """
    from dataflow.runtime.local import run as local

    settings = Settings.load()
    workflow = load_workflow(settings.project, name, environment=settings.environment)
    return local.run_workflow(workflow, settings=settings, params=params, window=window)
