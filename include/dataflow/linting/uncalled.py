"""What lies beside a config and is never read: functions that nothing calls, modules and configs by another name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from dataflow.errors import Problem
from dataflow.loading.callables import Definition, Function, Module, Modules
from dataflow.loading.environment_names import environment_of
from dataflow.loading.workflow import Workflow
from dataflow.near_miss import known_words, near_words
from dataflow.paths import relative_name
from dataflow.spec.sources import PythonSource
from dataflow.spec.steps import walk_steps

__all__ = ["called_functions", "problems_of_what_is_not_read", "uncalled_functions"]

CALLED_BY_NAME = ("ingestion", "validation", "transform")
"""Modules in which a function that takes ``ctx`` is there to be called by the config."""
READ_BY_NAME = (*CALLED_BY_NAME, "steps", "settings")
NEAR = 0.75
"""How like one of these a name is that was meant to be it: ``ingest``, ``transforms``, ``validate``."""
_CONFIG = re.compile(r"config(\.[a-z0-9_-]+)?\.ya?ml", re.IGNORECASE)


def problems_of_what_is_not_read(workflow: Workflow) -> Iterator[Problem]:
    """Warn of functions, modules and configs whose names let them look as if they did something."""
    reader = Modules(workflow.project, relative_name(workflow.project, workflow.folder))
    called = called_functions(workflow)
    yield from _configs(workflow)
    yield from _misnamed_modules(_all_of(reader), called)
    for module, function in uncalled_functions(workflow, reader):
        expected = sorted(name.rpartition(":")[2] for name in called if name.startswith(f"{module}:"))
        known = known_words(function.name, expected, what="what is called here")
        hint = f"{known or 'the config calls none of its module'}; a helper's name begins with _"
        yield replace(function.problem("takes ctx, but nothing calls it", hint), severity="warning")


def uncalled_functions(workflow: Workflow, reader: Modules) -> Iterator[tuple[str, Function]]:
    """Give each function that takes ``ctx`` and that neither the config nor other code calls, after its module."""
    called = called_functions(workflow)
    modules = _all_of(reader)
    imported = _imported(modules)
    for name in CALLED_BY_NAME:
        module = modules.get(name)
        for each in module.functions if module else ():
            function = reader.find(name, each)
            if function is None or each.startswith("_") or not function.takes_context:
                continue
            if f"{name}:{each}" not in called and (name, each) not in imported and not _is_used(modules[name], each):
                yield name, function


def called_functions(workflow: Workflow) -> set[str]:
    """Give the functions that the config calls, as ``module:function``."""
    spec = workflow.spec
    called = {
        source.callable or f"ingestion:{name}"
        for name, source in spec.sources.items()
        if isinstance(source, PythonSource)
    }
    called |= {f"validation:{table}" for table in spec.sources}
    stages = (stage.python for body in spec.transform.values() for stage in body.stages if stage.python)
    called |= {of for _, step in walk_steps(spec.steps or ()) for of in (step.run, step.gate, step.when) if of}
    called |= {each.python for each in spec.wait_for if each.python}
    return called | {name if ":" in name else f"transform:{name}" for name in stages}


def _configs(workflow: Workflow) -> Iterator[Problem]:
    for name in sorted(each.name for each in workflow.folder.iterdir()):
        if _CONFIG.fullmatch(name) and name != "config.yaml" and environment_of(name) is None:
            path = f"{relative_name(workflow.project, workflow.folder)}/{name}"
            hint = "a config is called config.yaml, or config.<environment>.yaml: rename or remove this one"
            yield Problem(path, 1, 1, "", "this file is never read", hint, "warning")


def _misnamed_modules(modules: Mapping[str, Module], called: set[str]) -> Iterator[Problem]:
    """Find modules called nearly like one that is read by its name, and that no other module imports."""
    in_use = {module for module, _ in _imported(modules)} | {reference.rpartition(":")[0] for reference in called}
    for name, module in modules.items():
        near = near_words(name, READ_BY_NAME, likeness=NEAR)
        if near and name not in (*READ_BY_NAME, *in_use):
            hint = f"did you mean {near[0]}.py? A helper is imported by another module"
            yield Problem(module.path, 1, 1, "", f"nothing reads {name}.py", hint, "warning")


def _all_of(reader: Modules) -> dict[str, Module]:
    read = ((each, reader.get(each)) for each in reader.beside("transform") if each != "__init__")
    return {name: module for name, module in read if module is not None}


def _imported(modules: Mapping[str, Module]) -> set[tuple[str, str]]:
    """Give what modules import of each other, as module and name; of ``from . import x`` the module alone."""
    nodes = (node for module in modules.values() if module.tree for node in ast.walk(module.tree))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
    return {(node.module, each.name) if node.module else (each.name, "") for node in imports for each in node.names}


def _is_used(module: Module, name: str) -> bool:
    """Tell whether other code of the module names the function: it is a helper then, or is handed on."""
    tables = [each for each in module.functions.values() if each.name == name or name in _parameters(each)]
    hidden = {id(node) for each in tables for node in ast.walk(each)}
    nodes = ast.walk(module.tree) if module.tree else ()
    return any(isinstance(node, ast.Name) and node.id == name and id(node) not in hidden for node in nodes)


def _parameters(definition: Definition) -> list[str]:
    given = definition.args
    return [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
