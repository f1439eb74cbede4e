"""The standard suite's rules for a workflow's modules; they are read, and imported once, as a task does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dataflow.errors import StepError
from dataflow.linting.uncalled import called_functions, uncalled_functions
from dataflow.loading.callables import Modules
from dataflow.paths import WORKFLOWS
from dataflow.runtime.author_code.modules import import_module

if TYPE_CHECKING:
    from dataflow.loading.callables import Function
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["docstring_complaints", "function_complaints"]


def function_complaints(workflow: Workflow, _: Settings) -> list[str]:
    """Find modules that do not import, and functions for the platform that nothing calls: their names are wrong."""
    complaints = []
    for module in _modules(workflow):
        try:
            import_module(workflow, module)
        except StepError as error:
            complaints.append(str(error))
    called = sorted(called_functions(workflow))
    for module, function in uncalled_functions(workflow, _reader(workflow)):
        expected = ", ".join(name for name in called if name.startswith(f"{module}:")) or "none"
        complaints.append(
            f"{_place(function)}: {function.shown} takes ctx, but nothing calls it (the config calls {expected}); "
            "give it the name that is called, or begin its name with _"
        )
    return complaints


def docstring_complaints(workflow: Workflow, _: Settings) -> list[str]:
    """Find public functions without a docstring."""
    return [
        f"{_place(function)}: {function.shown} has no docstring; say in one line what it gives"
        for function, _module in _functions(workflow, _modules(workflow))
        if not ast.get_docstring(function.definition)
    ]


def _modules(workflow: Workflow) -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in workflow.folder.glob("*.py") if file.stem != "__init__"))


def _functions(workflow: Workflow, modules: tuple[str, ...]) -> Iterator[tuple[Function, str]]:
    read = _reader(workflow)
    for name in modules:
        module = read.get(name)
        for each in module.functions if module else ():
            function = read.find(name, each)
            if function is not None and not each.startswith("_"):
                yield function, name


def _reader(workflow: Workflow) -> Modules:
    return Modules(workflow.project, f"{WORKFLOWS.as_posix()}/{workflow.name}")


def _place(function: Function) -> str:
    return f"{function.module.path}:{function.definition.lineno}"
