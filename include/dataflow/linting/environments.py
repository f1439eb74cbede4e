"""The environments of a workflow: every ``config.<environment>.yaml`` is looked at, not only the one in force."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from dataflow.errors import ConfigError, InputError, Problem
from dataflow.loading.environment_names import environment_file, environment_of
from dataflow.loading.layer import Layer
from dataflow.loading.load import load_workflow
from dataflow.loading.own_fault import problem_of_ours
from dataflow.loading.templates import Templates
from dataflow.near_miss import did_you_mean
from dataflow.paths import WORKFLOWS, folder_of

__all__ = ["problems_of_environments"]


def problems_of_environments(
    project: Path,
    workflows: Iterable[str],
    *,
    names: Collection[str] | None,
    environment: str,
    defaults: Layer,
    told: Collection[Problem],
) -> Iterator[Problem]:
    """Give what is wrong with the workflows in other environments than the one in force; each problem names its own.

    Args:
        project: The project root.
        workflows: Those of the project.
        names: The ones to look at; all where it is None.
        environment: In force; where no workflow has a file for it, a warning says which it is spelled nearly like.
        defaults: What every workflow inherits.
        told: What is wrong in the environment in force, which is not said again.
    """
    templates = Templates(project)
    found_in = {name: there for name in workflows if (there := _environments(folder_of(project, name)))}
    is_known = not environment or any(environment in there for there in found_in.values())
    for name, there in found_in.items():
        if names is not None and name not in names:
            continue
        near = "" if is_known else did_you_mean(environment, there)
        if near:
            path = f"{WORKFLOWS.as_posix()}/{name}/config.yaml"
            message = f"DATAFLOW_ENVIRONMENT is '{environment}', and there is no {environment_file(environment)}"
            yield Problem(path, 1, 1, "", message, near, "warning")
        for other in there:
            if other != environment:
                found = _problems_in(project, name, other, defaults=defaults, templates=templates)
                yield from (
                    replace(each, message=f"{each.message} (in the environment {other})")
                    for each in found
                    if each not in told
                )


def _environments(folder: Path) -> list[str]:
    try:
        entries = os.listdir(folder)  # noqa: PTH208  # text, for this runs for each workflow of the house
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found for entry in entries if (found := environment_of(entry)))


def _problems_in(
    project: Path, name: str, environment: str, *, defaults: Layer, templates: Templates
) -> Iterable[Problem]:
    try:
        load_workflow(project, name, environment=environment, defaults=defaults, templates=templates)
    except ConfigError as error:
        return error.problems
    except InputError:
        return ()  # somebody removes it at this moment
    except Exception as error:  # noqa: BLE001  # a fault of ours must not hide what is wrong elsewhere
        return (problem_of_ours(name, error),)
    return ()
