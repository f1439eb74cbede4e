"""The project that a command works on."""

from __future__ import annotations

from pathlib import Path

from dataflow.errors import ConfigError, InputError
from dataflow.loading.workflow import Workflow
from dataflow.near_miss import known_words
from dataflow.paths import find_project, folder_of, workflows_folder
from dataflow.registry import Registry, load_registry
from dataflow.settings import Settings

__all__ = ["broken_workflows", "chosen", "open_project", "require_workflow"]


def open_project(*, only: str | None = None) -> tuple[Settings, Registry]:
    """Read the settings and the workflows of the project here; one workflow alone where it is named.

    Raises:
        InputError: when there is no project here.
    """
    settings = Settings.load()
    return settings, load_registry(settings.project, only=only, environment=settings.environment)


def chosen(registry: Registry, name: str) -> Workflow:
    """Give the workflow of that name.

    Raises:
        ConfigError: when its config is broken.
        InputError: when there is none; the text names a near miss, or what there is.
    """
    if name in registry.workflows:
        return registry.workflows[name]
    own = [problem for problem in registry.problems if problem.path.startswith(f"include/workflows/{name}/")]
    if own:
        raise ConfigError(own)
    names = sorted(path.name for path in _folders())
    if name in names and registry.problems:  # in a file that it shares: the defaults, its template
        raise ConfigError(registry.problems)
    raise _unknown(name, names)


def require_workflow(settings: Settings, name: str) -> None:
    """See that the workflow is there, whatever its config says.

    Raises:
        InputError: when there is none; the text names a near miss, or what there is.
    """
    if not folder_of(settings.project, name).is_dir():
        raise _unknown(name, sorted(path.name for path in _folders()))


def _unknown(name: str, names: list[str]) -> InputError:
    known = known_words(name, names, what="there is") or "there is none yet"
    return InputError(f"no workflow {name!r}; {known}")


def broken_workflows(registry: Registry) -> dict[str, int]:
    """Give every workflow that cannot run, with how many problems it has of its own or else of what it shares."""
    own: dict[str, int] = {}
    for problem in registry.problems:
        parts = problem.path.split("/")
        if len(parts) > 3 and parts[2] not in registry.workflows:
            own[parts[2]] = own.get(parts[2], 0) + 1
    shared = sum(problem.path.count("/") < 3 for problem in registry.problems)
    names = {path.name for path in _folders()} - registry.workflows.keys()
    return {name: shared for name in names if shared} | own


def _folders() -> list[Path]:
    return [path.parent for path in workflows_folder(find_project()).glob("*/config.yaml")]
