"""The pytest plugin for authors. Every test run of whoever installs ``dataflow`` loads it, so it imports nothing dear.

``make_context``   a context for a function of the workflow's modules
``load_module``    a module of the workflow, imported as a task imports it
``run_step``       one step, on rows that the test gives, in a private landing and warehouse
``house``          whole runs, in a private landing and warehouse that the tests of one file share
``make_house``     a further, empty one
``fake_api``       a server on this machine that gives the answers it is told
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

    from dataflow.interval import Interval
    from dataflow.loading.workflow import Workflow
    from dataflow.runtime.author_code.context import StepContext
    from dataflow.testing.fake_api import FakeApi
    from dataflow.testing.house import House
    from dataflow.testing.single_step import StepRunner

__all__ = ["fake_api", "house", "load_module", "make_context", "make_house", "run_step"]


@pytest.fixture
def make_context(request: pytest.FixtureRequest) -> Callable[..., StepContext]:
    """Make a context with the settings and the params' defaults of the test's workflow; keywords replace fields."""
    from dataflow.runtime.author_code.context import FIRST_DAY, StepContext
    from dataflow.runtime.author_code.typed_settings import typed_settings
    from dataflow.runtime.params import params_of
    from dataflow.settings import Settings
    from dataflow.testing.window import window_for

    def make(
        *, params: Mapping[str, Any] | None = None, window: Interval | str | None = None, **fields: Any
    ) -> StepContext:
        workflow = _workflow_of(request.path)
        spec, environment = workflow.spec, Settings.load(workflow.project).environment
        typed = typed_settings(workflow, environment=environment, log=logging.getLogger("dataflow.testing"))
        values = {"workflow": spec.name, "settings": typed, "params": params_of(spec, params or {})}
        return StepContext(**values | {"window": window_for(spec, window) or FIRST_DAY} | fields)

    return make


@pytest.fixture
def load_module(request: pytest.FixtureRequest) -> Callable[[str], ModuleType]:
    """Give a module of the test's workflow by name: ``load_module("transform")``."""
    from dataflow.runtime.author_code.modules import import_module

    return lambda name: import_module(_workflow_of(request.path), name)


@pytest.fixture
def run_step(request: pytest.FixtureRequest, tmp_path: Path) -> StepRunner:
    """Run one step of the test's workflow: ``run_step("validate.orders", rows={"orders": [...]})``."""
    from dataflow.testing.house import House
    from dataflow.testing.single_step import StepRunner

    workflow = _workflow_of(request.path)
    return StepRunner(workflow, House(tmp_path / "house", workflow.project).settings)


@pytest.fixture(scope="module")
def make_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], House]:
    """Give a further house, in which nothing ever ran."""
    from dataflow.paths import find_project
    from dataflow.testing.house import House

    return lambda: House(tmp_path_factory.mktemp("house"), find_project(request.path.parent))


@pytest.fixture(scope="module")
def house(make_house: Callable[[], House]) -> House:
    """Give a house that the tests of one file share: ``house.run("shop")``, ``house.query("shop", "select ...")``."""
    return make_house()


@pytest.fixture
def fake_api() -> Iterator[FakeApi]:
    """Give a server at ``fake_api.url``; ``fake_api.answer("/orders", {...})`` says what it answers."""
    from dataflow.testing.fake_api import FakeApi

    with FakeApi() as server:
        yield server


def _workflow_of(test: Path) -> Workflow:
    """Give the workflow in whose folder the test lies."""
    from dataflow.loading.load import load_workflow
    from dataflow.paths import workflow_around
    from dataflow.settings import Settings

    project, name = workflow_around(test)
    return load_workflow(project, name, environment=Settings.load(project).environment)
