"""The functions of a workflow's modules, read from their syntax trees: nothing is ever imported.

A parse stays cheap that way, and a module whose import fails, fails in its task.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dataflow.errors import Problem
from dataflow.loading.files import UnreadableFile, read_file

__all__ = ["Definition", "Function", "Module", "Modules", "Parameter", "outputs_read"]

MAX_BYTES = 1024 * 1024
MAX_HOPS = 5
"""From module to module that an imported function is followed."""
MAX_FOLLOWED = 50
"""Functions of one module that ``ctx`` is followed through."""
WINDOW_ATTRIBUTES = frozenset({"window", "cursor", "partition_key"})
"""Of ``ctx``: who reads them gives other rows in another window."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function."""

    name: str
    line: int
    column: int
    is_required: bool


@dataclass(frozen=True, slots=True)
class Module:
    """What the top level of a file defines."""

    path: str
    """Relative to the project."""
    functions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Local name to module and name there; a module beside this one begins with a dot."""
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    other_names: frozenset[str] = frozenset()
    """Classes and assigned names: they may well be callable."""
    is_open: bool = False
    """It has a star import, so that any name may be there."""
    problem: Problem | None = None
    """Why it cannot be read."""
    tree: ast.Module | None = None
    """All of it, where it can be read."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a module, found by name."""

    name: str
    module: Module
    definition: Definition

    @property
    def shown(self) -> str:
        """Its name as messages show it."""
        return f"{self.name}()"

    @property
    def parameters(self) -> list[Parameter]:
        """Every named parameter, in order; those behind ``*`` last."""
        given = self.definition.args
        positional = [*given.posonlyargs, *given.args]
        required = len(positional) - len(given.defaults)
        listed = [(each, index < required) for index, each in enumerate(positional)]
        listed += [(each, default is None) for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
        return [Parameter(each.arg, each.lineno, each.col_offset + 1, needed) for each, needed in listed]

    @property
    def takes_context(self) -> bool:
        """Whether its first parameter is ``ctx``, as in every function that we call."""
        return [each.name for each in self.parameters[:1]] == ["ctx"]

    @property
    def takes_any_keyword(self) -> bool:
        """Whether it has ``**options``."""
        return self.definition.args.kwarg is not None

    @property
    def is_decorated(self) -> bool:
        """Whether what is called may have other parameters than those written."""
        return bool(self.definition.decorator_list)

    @property
    def is_async(self) -> bool:
        """Whether it is a coroutine, which nobody would await."""
        return isinstance(self.definition, ast.AsyncFunctionDef)

    def problem(self, message: str, hint: str = "", *, at: Parameter | None = None) -> Problem:
        """Make a problem at its ``def``, or at one parameter."""
        line, column = (at.line, at.column) if at else (self.definition.lineno, self.definition.col_offset + 1)
        return Problem(self.module.path, line, column, "", f"{self.shown} {message}", hint)

    def outputs_read(self) -> Iterator[tuple[str, int, int]]:
        """Give every step that it names in ``ctx.output("...")``, with line and column."""
        return outputs_read(self.definition)

    def reads_window(self) -> bool | None:
        """Tell whether it uses the run's window, cursor or partition key; None where that cannot be seen."""
        return _reads_window(self.definition, "ctx", self.module, seen=set())


class Modules:
    """The modules that one workflow may name, each read once.

    Args:
        project: The project root.
        folder: The workflow's, relative to it.
    """

    def __init__(self, project: Path, folder: str) -> None:
        self._project = project
        self._folder = folder
        self._read: dict[str, Module | None] = {}

    def get(self, name: str) -> Module | None:
        """Give ``transform`` beside the config or ``pipelines.orders``; None where there is no such file."""
        if name not in self._read:
            self._read[name] = _read_module(self._project, self.file(name))
        return self._read[name]

    def file(self, name: str) -> str:
        """Give where a module of this name lies, relative to the project."""
        base = "include" if name.startswith("pipelines.") else self._folder
        return f"{base}/{name.replace('.', '/')}.py"

    def beside(self, name: str) -> list[str]:
        """Give the names of the modules in the folder where one of this name would lie."""
        return sorted(each.stem for each in (self._project / self.file(name)).parent.glob("*.py"))

    def problems(self) -> Iterator[Problem]:
        """Give why modules that were asked for cannot be read."""
        for module in self._read.values():
            if module is not None and module.problem is not None:
                yield module.problem

    def find(self, module_name: str, name: str) -> Function | None:
        """Give a function, followed through the imports of its modules; None where its definition is not in sight."""
        for _ in range(MAX_HOPS):
            module = self.get(module_name)
            if module is None:
                return None
            if name in module.functions:
                return Function(name, module, module.functions[name])
            if name not in module.imports:
                return None
            target, name = module.imports[name]
            if target.startswith("."):
                package = module_name.rpartition(".")[0]
                target = f"{package}{target}" if package else target.removeprefix(".")
            module_name = target
        return None


def _read_module(project: Path, path: str) -> Module | None:
    try:
        content = read_file(project, path, limit=MAX_BYTES)
    except UnreadableFile as error:
        return Module(path, problem=Problem(path, 1, 1, "", error.message, error.hint))
    if content is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is told where the module runs
            tree = ast.parse(content)
    except SyntaxError as error:
        place = (error.lineno or 1, error.offset or 1)
        return Module(path, problem=Problem(path, *place, "", f"not valid Python: {error.msg}"))
    except (ValueError, RecursionError, MemoryError):
        return Module(path, problem=Problem(path, 1, 1, "", "not valid Python", "it is no text, or nested too deeply"))
    return _module_of(tree, path)


def _module_of(tree: ast.Module, path: str) -> Module:
    functions: dict[str, Definition] = {}
    imports: dict[str, tuple[str, str]] = {}
    classes: dict[str, ast.ClassDef] = {}
    others: set[str] = set()
    is_open = False
    for node in _top_level(tree.body):
        if isinstance(node, Definition):
            functions[node.name] = node
        elif isinstance(node, ast.ClassDef):
            classes[node.name] = node
            others.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            is_open = is_open or any(each.name == "*" for each in node.names)
            target = "." * node.level + (node.module or "")
            imports.update({each.asname or each.name: (target, each.name) for each in node.names})
        elif isinstance(node, ast.Import):
            others.update((each.asname or each.name).split(".")[0] for each in node.names)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            others.update(name.id for each in targets for name in ast.walk(each) if isinstance(name, ast.Name))
    return Module(path, functions, imports, classes, frozenset(others), is_open, tree=tree)


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Give every statement that runs on import, those under `if`, `try` and `with` too."""
    left = list(reversed(body))
    while left:
        node = left.pop()
        yield node
        if isinstance(node, (ast.If, ast.Try, ast.With)):
            left += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]


def _reads_window(definition: Definition, context: str, module: Module, *, seen: set[str]) -> bool | None:
    """Follow ``ctx`` through a function and through those of its module that it is passed to."""
    seen.add(definition.name)
    understood: set[int] = set()
    answers: list[bool | None] = []
    for node in ast.walk(definition):
        if isinstance(node, ast.Attribute) and _is_name(node.value, context):
            understood.add(id(node.value))
            answers.append(node.attr in WINDOW_ATTRIBUTES)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in module.functions:
            called = module.functions[node.func.id]
            for parameter, argument in _passed(node, called):
                if _is_name(argument, context):
                    understood.add(id(argument))
                    if len(seen) >= MAX_FOLLOWED:
                        answers.append(None)
                    elif called.name not in seen:
                        answers.append(_reads_window(called, parameter, module, seen=seen))
    if any(answers):
        return True
    passed_on = any(_is_name(node, context) and id(node) not in understood for node in ast.walk(definition))
    return None if passed_on or None in answers else False


def _passed(call: ast.Call, called: Definition) -> Iterator[tuple[str, ast.expr]]:
    names = [each.arg for each in (*called.args.posonlyargs, *called.args.args)]
    yield from zip(names, call.args, strict=False)
    yield from ((each.arg, each.value) for each in call.keywords if each.arg is not None)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def outputs_read(definition: Definition) -> Iterator[tuple[str, int, int]]:
    """Give every step that a function names in ``ctx.output("...")``, with line and column."""
    for node in ast.walk(definition):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "output"
            and _is_name(node.func.value, "ctx")
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            yield node.args[0].value, node.args[0].lineno, node.args[0].col_offset + 1
