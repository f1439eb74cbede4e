"""What author code gets as ``ctx.settings``: the model of ``settings.py``, else the mapping of the config.

It imports author code, so it runs in a task, in ``workflow run``, and in a process of its own for ``config validate``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError, create_model

from dataflow.errors import ConfigError, FatalError, Problem, StepError
from dataflow.loading.layers import read_layers
from dataflow.loading.messages import problems_of
from dataflow.paths import WORKFLOWS
from dataflow.runtime.author_code.modules import author_code, has_module, import_module

if TYPE_CHECKING:
    import logging

    from dataflow.loading.workflow import Workflow

__all__ = ["settings_values", "typed_settings"]

_PLACE = re.compile(r"(?P<path>[^:]+):(?P<line>\d+): (?P<text>.*)", re.DOTALL)


def typed_settings(workflow: Workflow, *, environment: str, log: logging.Logger) -> Mapping[str, Any] | BaseModel:
    """Give the workflow's settings, checked by its own class.

    A key that the class does not know is an error, unless its ``model_config`` says what becomes of it.

    Raises:
        ConfigError: when ``settings.py`` does not import, or a value does not fit; with the place of each.
    """
    if not has_module(workflow, "settings"):
        return workflow.spec.settings
    try:
        model = getattr(import_module(workflow, "settings"), "Settings", None)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise FatalError("Settings is no pydantic model; write class Settings(BaseModel)")
        whole = create_model("Config", settings=(model, ...))
        with author_code(workflow, what="settings", log=log):
            return _read(whole, workflow, forbid="extra" not in model.model_config, environment=environment)
    except StepError as error:
        raise ConfigError([_problem_of(workflow, str(error))]) from error


def _read(whole: type[BaseModel], workflow: Workflow, *, forbid: bool, environment: str) -> BaseModel:
    try:
        read = whole.model_validate({"settings": dict(workflow.spec.settings)}, extra="forbid" if forbid else None)
    except ValidationError as error:
        root = read_layers(workflow.project, workflow.name, environment=environment).root
        if root is None:  # the file was changed since
            raise FatalError(f"settings do not fit, in {error.error_count()} places") from None
        raise ConfigError(problems_of(error, root, model=whole)) from None
    return read.settings  # type: ignore[attr-defined, no-any-return]  # the one field that we gave it


def settings_values(settings: Mapping[str, Any] | BaseModel) -> Mapping[str, Any]:
    """Give the settings by name, as templates see them."""
    return dict(settings) if isinstance(settings, BaseModel) else settings


def _problem_of(workflow: Workflow, text: str) -> Problem:
    path = f"{WORKFLOWS.as_posix()}/{workflow.name}/settings.py"
    place = _PLACE.match(text)
    one_line = " ".join((place["text"] if place else text).split())
    if place is None:
        return Problem(path, 1, 1, "", one_line)
    return Problem(place["path"], int(place["line"]), 1, "", one_line)
