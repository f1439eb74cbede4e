"""Functions that a config names: they exist, and their parameters fit what they are called with."""

from __future__ import annotations

from collections.abc import Iterator

from dataflow.errors import Problem
from dataflow.loading.callables import Function, Modules
from dataflow.loading.rules.subject import Finding, Steps, Subject
from dataflow.near_miss import did_you_mean, known_words
from dataflow.spec.sources import PythonSource
from dataflow.spec.tables import tables_of
from dataflow.spec.workflow import WorkflowSpec

__all__ = [
    "called_as_ours",
    "find_function",
    "functions_fit",
    "python_checked_tables",
    "tables_read_by",
    "with_windowed_sources",
]

Found = Iterator[Finding | Problem]


def functions_fit(subject: Subject) -> Found:
    """Check the functions of sources, of `python` stages and of ``validation.py``."""
    spec = subject.spec
    for name, source in spec.sources.items():
        if isinstance(source, PythonSource):
            yield from _source_function(subject, name, source)
    for table, transform in spec.transform.items():
        for index, stage in enumerate(transform.stages):
            if stage.python is not None:
                steps = ("transform", table, "stages", index, "python")
                yield from _stage_function(subject, steps, reference=stage.python)
    for table in python_checked_tables(spec, subject.modules):
        function = subject.modules.find("validation", table)
        if function is not None:
            yield from _table_parameters(function, tables_of(spec))


def with_windowed_sources(subject: Subject) -> Iterator[tuple[str, PythonSource] | Finding]:
    """Give each python source whose ``windowed`` is found from its function, with it filled in."""
    for name, source in subject.spec.sources.items():
        if not isinstance(source, PythonSource) or source.windowed is not None or source.incremental is not None:
            continue
        module_name, function_name = _reference(source.callable or f"ingestion:{name}", "ingestion")
        module = subject.modules.get(module_name)
        if module is None or module.problem is not None:
            continue  # told by `functions_fit`
        function = subject.modules.find(module_name, function_name)
        if function is not None and not function.takes_context:
            continue
        windowed = function.reads_window() if function is not None and not function.is_decorated else None
        if windowed is not None:
            yield name, source.model_copy(update={"windowed": windowed})
        elif function is not None or function_name in {*module.imports, *module.other_names} or module.is_open:
            message = f"whether the rows of {function_name}() depend on the run's window cannot be seen"
            yield Finding(("sources", name, "windowed"), message, "say `windowed: true` or `windowed: false`")


def tables_read_by(modules: Modules, reference: str) -> frozenset[str]:
    """Give the tables that a `python` stage's function names by its parameters."""
    function = modules.find(*_reference(reference, "transform"))
    parameters = function.parameters[1:] if function is not None else []
    return frozenset(each.name for each in parameters if each.is_required)


def python_checked_tables(spec: WorkflowSpec, modules: Modules) -> tuple[str, ...]:
    """Give the sources whose batches a function of ``validation.py`` judges."""
    module = modules.get("validation")
    return tuple(name for name in spec.sources if module is not None and name in {*module.functions, *module.imports})


def _reference(text: str, default_module: str) -> tuple[str, str]:
    module, colon, function = text.rpartition(":")
    return (module, function) if colon else (default_module, text)


def _source_function(subject: Subject, name: str, source: PythonSource) -> Found:
    steps: Steps = ("sources", name, "callable") if source.callable else ("sources", name)
    function = find_function(subject, source.callable or f"ingestion:{name}", steps, default_module="ingestion")
    if isinstance(function, Finding):
        yield function
    if not isinstance(function, Function) or function.is_decorated:
        return
    yield from called_as_ours(function)
    options = {each.name: each for each in function.parameters[1:]}
    for option in source.options:
        if option not in options and not function.takes_any_keyword:
            hint = known_words(option, options, what="its options") or "it takes no options"
            yield Finding(
                ("sources", name, "options", option), f"{function.shown} has no such option", hint, on_key=True
            )
    for option, parameter in options.items():
        if parameter.is_required and option not in source.options:
            yield Finding(("sources", name, "options", option), f"{function.shown} requires this option")


def _stage_function(subject: Subject, steps: Steps, *, reference: str) -> Found:
    function = find_function(subject, reference, steps, default_module="transform")
    if isinstance(function, Function):
        yield from _table_parameters(function, tables_of(subject.spec))
    elif isinstance(function, Finding):
        yield function
    elif not _is_broken(subject, _reference(reference, "transform")[0]):
        hint = "define it where this names it, for its parameters name the tables that it reads"
        yield Finding(steps, f"the definition of {reference} is not in sight", hint)


def find_function(subject: Subject, reference: str, steps: Steps, *, default_module: str) -> Function | Finding | None:
    """Find a function; None means that it may well be there, but is not for us to read."""
    module_name, name = _reference(reference, default_module)
    module = subject.modules.get(module_name)
    if module is None:
        near = did_you_mean(module_name.rpartition(".")[2], subject.modules.beside(module_name))
        return Finding(steps, f"there is no {_shown_file(module_name)}", near or _where(module_name))
    function = subject.modules.find(module_name, name)
    may_be_there = module.is_open or name in module.imports or name in module.other_names
    if function is not None or may_be_there or module.problem is not None:
        return function
    known = known_words(name, module.functions, what="it has") or "it has no functions"
    return Finding(steps, f"{_shown_file(module_name)} has no function '{name}'", known)


def _is_broken(subject: Subject, module_name: str) -> bool:
    module = subject.modules.get(module_name)
    return module is not None and module.problem is not None


def _shown_file(module_name: str) -> str:
    prefix = "include/" if module_name.startswith("pipelines.") else ""
    return f"{prefix}{module_name.replace('.', '/')}.py"


def _where(module_name: str) -> str:
    return "" if module_name.startswith("pipelines.") else "write it beside config.yaml"


def called_as_ours(function: Function) -> Iterator[Problem]:
    """Check what holds for every function that we call."""
    if function.is_async:
        yield function.problem("is async, and nobody awaits it", "write `def`")
    if not function.takes_context:
        yield function.problem("does not take `ctx` first", f"write def {function.name}(ctx, ...)")


def _table_parameters(function: Function, tables: tuple[str, ...]) -> Iterator[Problem]:
    """Check a function whose parameters after ctx name tables."""
    if function.is_decorated:
        return
    yield from called_as_ours(function)
    if function.takes_any_keyword or function.definition.args.vararg is not None:
        yield function.problem("takes `*` or `**`", "its parameters name the tables that it reads, one by one")
    for parameter in function.parameters[1:]:
        if parameter.is_required and parameter.name not in tables:
            hint = known_words(parameter.name, tables, what="the tables")
            yield function.problem(f"reads '{parameter.name}', which is no table", hint, at=parameter)
