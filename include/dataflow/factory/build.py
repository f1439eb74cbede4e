"""Every DAG of a project, and everything that is wrong with the workflows that became none."""

from __future__ import annotations

import gc
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from airflow.sdk import DAG, get_parsing_context
from pydantic import ValidationError

from dataflow.errors import DataflowError, Problem
from dataflow.factory.dag import build_dag
from dataflow.factory.maintenance import MAINTENANCE, maintenance_dag
from dataflow.loading.rules.schedule import wrong_cron
from dataflow.paths import WORKFLOWS, named_project
from dataflow.registry import load_registry
from dataflow.settings import Settings
from dataflow.spec.schedule import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.loading.workflow import Workflow
    from dataflow.registry import Registry

__all__ = ["Built", "build", "build_dags", "build_project", "project_of"]

_log = logging.getLogger("dataflow.factory")


@dataclass(frozen=True)
class Built:
    """A workflow is in one of the two."""

    dags: dict[str, DAG]
    """By dag_id, sorted."""
    problems: tuple[Problem, ...]


def build_dags(registry: Registry, *, settings: Settings, shard: tuple[int, int] | None = None) -> dict[str, DAG]:
    """Give the DAG of every healthy workflow of the registry, by dag_id.

    Args:
        registry: The workflows.
        settings: Where their tasks find data.
        shard: ``(0, 4)`` gives the first of four parts; a workflow keeps its part whatever joins or leaves.
    """
    return build(registry, settings=settings, shard=shard).dags | _upkeep(settings, shard)


def build(
    registry: Registry, *, settings: Settings, shard: tuple[int, int] | None = None, with_models: bool = True
) -> Built:
    """Build every workflow of the registry; never raises for one that cannot be built, which becomes a problem."""
    dags: dict[str, DAG] = {}
    problems = list(registry.problems)
    for name, workflow in registry.workflows.items():
        if shard is not None and crc32(name.encode()) % shard[1] != shard[0]:
            continue
        problem = None
        try:
            problem = _manifest_problem(workflow, settings) if with_models else None
            if problem is None:
                dags[name] = build_dag(workflow, settings, with_models=with_models)
        except DataflowError as exc:
            problem = _problem(workflow, _first_line(exc))
        except Exception as exc:  # noqa: BLE001  # one workflow must never take the others along
            _log.warning("workflow %s cannot be built", name, exc_info=True)
            problem = _problem(workflow, f"Airflow does not take it: {type(exc).__name__}: {_first_line(exc)}")
        if problem is not None:
            problems.append(problem)
    return Built(dags, tuple(sorted(problem for problem in problems if problem.severity == "error")))


def build_project(dag_file: str) -> Built:
    """Build the project of a file in ``dags/``: every workflow, or at a task's start the one whose task it is.

    Never raises: what stops the whole project is a problem too.
    """
    root = project_of(dag_file)
    asked = get_parsing_context()
    with _nothing_collected():
        try:
            settings = Settings.load(root)
            if asked.dag_id == MAINTENANCE:
                return Built(_upkeep(settings, None), ())
            registry = load_registry(root, only=asked.dag_id, environment=settings.environment)
        except ValidationError as exc:
            wrong = [(f"DATAFLOW_{error['loc'][0]}".upper(), error["msg"]) for error in exc.errors()]
            return Built({}, tuple(sorted(Problem(".env", 1, 1, name, text) for name, text in wrong)))
        except Exception as exc:  # noqa: BLE001  # a file that raises would take every DAG of the house along
            _log.warning("the project at %s cannot be read", root, exc_info=True)
            text = _first_line(exc) if isinstance(exc, DataflowError) else f"{type(exc).__name__}: {_first_line(exc)}"
            return Built({}, (Problem(WORKFLOWS.as_posix(), 1, 1, "", text),))
        with_models = _needs_models(registry, asked.dag_id, asked.task_id)
        built = build(registry, settings=settings, with_models=with_models)
        if asked.dag_id is not None:
            return built
        return Built(built.dags | _upkeep(settings, None), (*_upkeep_problems(settings), *built.problems))


def _upkeep(settings: Settings, shard: tuple[int, int] | None) -> dict[str, DAG]:
    """Give the DAG of the upkeep: once, however many files the house is split into, and where it is not off."""
    if settings.maintenance == "off" or (shard is not None and shard[0] != 0) or _upkeep_problems(settings):
        return {}
    return {MAINTENANCE: maintenance_dag(settings)}


def _upkeep_problems(settings: Settings) -> tuple[Problem, ...]:
    """Tell of a schedule that Airflow would stumble over only after the parse, where nobody is told why."""
    given = settings.maintenance
    wrong = None if given == "off" else wrong_cron(PRESETS.get(given, given))
    if wrong is None:
        return ()
    return (Problem(".env", 1, 1, "DATAFLOW_MAINTENANCE", f"{wrong[0]}; write a cron, or `off`"),)


def _needs_models(registry: Registry, dag_id: str | None, task_id: str | None) -> bool:
    """Tell whether the dbt group is needed: a task that is not of it, and may not skip it, starts without."""
    if dag_id is None or task_id is None or task_id.startswith("dbt."):
        return True
    workflow = registry.workflows.get(dag_id)
    task = workflow.plan.find(task_id) if workflow is not None else None
    return workflow is not None and task is not None and "dbt" in workflow.plan.skippable_by(task)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep the garbage collector from walking, again and again, over DAGs that are all to stay; a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def project_of(dag_file: str) -> Path:
    """Give ``DATAFLOW_PROJECT``, else the folder above that of the file.

    Raises:
        InputError: when the variable names no project.
    """
    return (named_project() or Path(dag_file).resolve().parents[1]).resolve()


def _manifest_problem(workflow: Workflow, settings: Settings) -> Problem | None:
    if not workflow.models:
        return None
    from dataflow.modelling.manifest import manifest_problem

    return manifest_problem(workflow, settings)


def _problem(workflow: Workflow, message: str) -> Problem:
    return Problem(f"{WORKFLOWS.as_posix()}/{workflow.name}/config.yaml", 1, 1, "", message)


def _first_line(exc: Exception) -> str:
    return next((line for line in str(exc).splitlines() if line.strip()), "no further text")
