"""Author code, imported from its file in the task that calls it; never through ``sys.path``.

A workflow's folder is the package ``dataflow_workflows.<name>``, so that ``from .words import x`` works there;
``include/pipelines`` is the package ``pipelines``. A wheel, an editable install and a versioned bundle behave alike.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dataflow.errors import DataflowError, FatalError, StepError
from dataflow.paths import relative_name
from dataflow.runtime.telling.hiding_values import hide_values_in_author_code

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow

__all__ = ["author_code", "author_function", "has_module", "import_module"]

WORKFLOWS = "dataflow_workflows"
PIPELINES = "pipelines"

_lock = threading.RLock()
_read_as: dict[str, tuple[int, int]] = {}
"""When each author module was changed last and its size, as it was imported."""


def author_function(workflow: Workflow, reference: str) -> Callable[..., Any]:
    """Give the function that ``module:function`` names, in the workflow's folder or in ``pipelines``.

    Raises:
        FatalError: when module or function is not there.
        StepError: when the module does not import.
    """
    module, _, name = reference.partition(":")
    function = getattr(import_module(workflow, module), name, None)
    if not callable(function):
        raise FatalError(f"{_file_of(workflow, module)} has no function {name!r}")
    return function  # type: ignore[no-any-return]


def has_module(workflow: Workflow, module: str) -> bool:
    """Tell whether the workflow's folder has that module."""
    return (workflow.folder / f"{module}.py").is_file()


def import_module(workflow: Workflow, module: str) -> ModuleType:
    """Import a module of the workflow's folder, or ``pipelines.<module>``; again if a file changed since.

    Raises:
        FatalError: when its file is not there.
        StepError: when it does not import; the text names the line.
    """
    if not (workflow.project / _file_of(workflow, module)).is_file():
        raise FatalError(f"{_file_of(workflow, module)} does not exist")
    with _lock, _no_bytecode():
        _place_package(PIPELINES, workflow.project / "include" / PIPELINES)
        _place_package(WORKFLOWS, None)
        _place_package(f"{WORKFLOWS}.{workflow.name}", workflow.folder)
        full = module if module.startswith(f"{PIPELINES}.") else f"{WORKFLOWS}.{workflow.name}.{module}"
        with author_code(workflow, what=module, log=logging.getLogger(__name__)):
            imported = importlib.import_module(full)
        _remember_versions()
    return imported


@contextmanager
def author_code(workflow: Workflow, *, what: str, log: logging.Logger) -> Iterator[None]:
    """Tell of a crash in author code as its author needs it: its own lines in the log, the last one in the error.

    Our errors pass as they are; they say themselves whether another try may help.

    Raises:
        StepError: for anything else that the code raises.
    """
    try:
        yield
    except DataflowError as exc:
        hide_values_in_author_code(exc, workflow.spec, lambda name: _is_author(workflow, name))
        raise
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - it is raised, perhaps without its words
        frames = traceback.extract_tb(exc.__traceback__)
        own = [number for number, frame in enumerate(frames) if _is_author(workflow, frame.filename)]
        shown = frames[own[0] :] if own else frames
        lines = "".join(traceback.format_list(shown)).rstrip()
        told = hide_values_in_author_code(exc, workflow.spec, lambda name: _is_author(workflow, name))
        log.error("%s\n%s", _headline(workflow, what, told), lines)  # noqa: TRY400 - its author needs only these lines
        last = frames[own[-1]] if own else None
        place = f"{relative_name(workflow.project, Path(last.filename))}:{last.lineno}: " if last else ""
        raise StepError(f"{place}{_headline(workflow, what, told)}") from told


def _headline(workflow: Workflow, what: str, exc: BaseException) -> str:
    return f"{workflow.name}, {what}: " + "".join(traceback.format_exception_only(exc)).strip()


def _is_author(workflow: Workflow, filename: str) -> bool:
    file = Path(filename)
    return file.is_relative_to(workflow.folder) or file.is_relative_to(workflow.project / "include" / PIPELINES)


def _file_of(workflow: Workflow, module: str) -> str:
    shared = module.startswith(f"{PIPELINES}.")
    folder = workflow.project / "include" if shared else workflow.folder
    return relative_name(workflow.project, folder.joinpath(*module.split(".")).with_suffix(".py"))


def _place_package(name: str, folder: Path | None) -> None:
    """Let a folder be a package of that name; one from elsewhere, or with a changed file, is forgotten first."""
    path = [] if folder is None else [str(folder)]
    known = sys.modules.get(name)
    if known is not None and list(known.__path__) == path and not _is_changed(name):
        return
    for loaded in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[loaded]
        _read_as.pop(loaded, None)
    importlib.invalidate_caches()
    package = ModuleType(name)
    package.__path__ = path
    sys.modules[name] = package
    parent, _, leaf = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], leaf, package)
    if folder is not None and (folder / "__init__.py").is_file():
        spec = importlib.util.spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=path)
        if spec is not None and spec.loader is not None:
            package.__spec__, package.__file__ = spec, str(folder / "__init__.py")
            spec.loader.exec_module(package)


def _remember_versions() -> None:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name not in _read_as and name.startswith((f"{WORKFLOWS}.", f"{PIPELINES}.")):
            with suppress(FileNotFoundError):  # of another workflow, which is gone
                _read_as[name] = _version(Path(file))


def _is_changed(package: str) -> bool:
    below = f"{package}."
    for name, version in _read_as.items():
        module = sys.modules.get(name)
        if name.startswith(below) and package != WORKFLOWS and module is not None and module.__file__:
            file = Path(module.__file__)
            if not file.is_file() or _version(file) != version:
                return True
    return False


def _version(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_mtime_ns, stat.st_size


@contextmanager
def _no_bytecode() -> Iterator[None]:
    # A cached .pyc goes by whole seconds: an edit within one would run the old code. Nor is the folder ours.
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
