"""Templates: configs in ``include/templates`` that others extend, with typed inputs.

A template is a config with ``inputs`` beside its keys. It extends no other: what templates share is in the defaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from dataflow.errors import Problem
from dataflow.loading.layer import Layer, read_layer
from dataflow.loading.messages import problem_at, problems_of, shown
from dataflow.loading.placeholders import fill, inputs_named_in
from dataflow.loading.rules.params import misfits
from dataflow.loading.rules.patterns import fault_of_pattern
from dataflow.loading.yaml_document import Node
from dataflow.near_miss import known_words
from dataflow.paths import TEMPLATES
from dataflow.spec.base import NAME_PATTERN
from dataflow.spec.template import Input, TemplateHead

__all__ = ["Template", "Templates", "inherited_by"]

_NAME = re.compile(NAME_PATTERN.replace("$", r"\Z"))


@dataclass(frozen=True, slots=True)
class Template:
    """One template as it was read; without a body where it is broken."""

    body: Node | None
    """Its keys without the inputs, placeholders not yet replaced."""
    inputs: Mapping[str, Input]
    defaults: Mapping[str, Node]
    """Of the inputs that have one."""
    problems: tuple[Problem, ...]
    unused: tuple[Problem, ...] = ()
    """Inputs that nothing names; told where nothing else is wrong, for a misspelt name leaves one unused too."""


class Templates:
    """The templates of a project, each read once, when it is asked for."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._read: dict[str, Template | None] = {}

    def get(self, name: str) -> Template | None:
        """Give the template of that name; None where there is no such file."""
        if name not in self._read:
            layer = read_layer(self._project, f"{TEMPLATES.as_posix()}/{name}.yaml") if _NAME.match(name) else None
            there = layer is not None and (layer.root is not None or layer.problems)
            self._read[name] = _template(layer) if there and layer is not None else None
        return self._read[name]

    def names(self) -> list[str]:
        """Give the name of every template that is there."""
        return sorted(file.stem for file in (self._project / TEMPLATES).glob("*.yaml"))


def _template(layer: Layer) -> Template:
    root = layer.root
    if root is None or not isinstance(root.value, dict):
        return Template(None, {}, {}, layer.problems)
    problems = list(layer.problems)
    for key, hint in (("extends", "write here what both need"), ("with", "`with` stands beside `extends`")):
        if key in root.value:
            problems.append(problem_at(root, (key,), "a template extends no other", hint=hint, on_key=True))
    head = {key: node.plain() for key, node in root.value.items() if key == "inputs"}
    try:
        inputs = TemplateHead.model_validate(head).inputs
    except ValidationError as error:
        return Template(None, {}, {}, (*problems, *problems_of(error, root, model=TemplateHead)))
    body = replace(root, value={key: node for key, node in root.value.items() if key != "inputs"})
    problems += _problems_of_defaults(inputs, root)
    defaults = {name: node for name in inputs if (node := root.at(("inputs", name, "default"))) is not None}
    unused = tuple(
        problem_at(root, ("inputs", name), "nothing uses this input", hint=_where(name), on_key=True)
        for name in inputs.keys() - inputs_named_in(body)
    )
    return Template(None if problems else body, inputs, defaults, tuple(problems), unused)


def _where(name: str) -> str:
    return f"write {{{{ inputs.{name} }}}} where it belongs, or remove it"


def _problems_of_defaults(inputs: Mapping[str, Input], root: Node) -> Iterator[Problem]:
    for name, each in inputs.items():
        if each.pattern is not None and (fault := fault_of_pattern(each.pattern)):
            yield problem_at(root, ("inputs", name, "pattern"), f"{shown(each.pattern)} {fault}")
        elif each.default is not None:
            for misfit in misfits(each, each.default):
                yield problem_at(root, ("inputs", name, "default"), f"the default {shown(each.default)} {misfit}")


def inherited_by(config: Node, templates: Templates) -> Layer:
    """Give what a config inherits of the template that it names, its inputs filled in.

    Args:
        config: The workflow's own files, merged.
        templates: Those of the project.
    """
    named, given = config.at(("extends",)), config.at(("with",))
    if named is None or named.value is None:
        message, hint = "there is no template whose inputs these are", "name it in `extends`"
        return Layer(None, (problem_at(config, ("with",), message, hint=hint, on_key=True),) if given else ())
    if not isinstance(named.value, str) or (given is not None and not isinstance(given.value, dict)):
        return Layer(None)  # told by the config model
    template = templates.get(named.value)
    if template is None:
        known = known_words(named.value, templates.names(), what="there are")
        hint = known or f"write it: {TEMPLATES.as_posix()}/<name>.yaml"
        return Layer(None, (problem_at(config, ("extends",), f"there is no template '{named.value}'", hint=hint),))
    return _filled(template, config, name=named.value)


def _filled(template: Template, config: Node, *, name: str) -> Layer:
    if template.body is None:
        return Layer(None, template.problems)
    given = config.at(("with",))
    values = given.value if given is not None and isinstance(given.value, dict) else {}
    problems = [*_problems_of_values(template, values, config=config, name=name)]
    if problems:
        return Layer(None, tuple(problems))
    body, problems = fill(template.body, {**template.defaults, **values})
    problems = problems or [*template.unused]
    return Layer(None if problems else body, tuple(problems))


def _problems_of_values(
    template: Template, values: Mapping[str, Node], *, config: Node, name: str
) -> Iterator[Problem]:
    for key, node in values.items():
        declared = template.inputs.get(key)
        if declared is None:
            hint = known_words(key, template.inputs, what="its inputs are")
            yield problem_at(config, ("with", key), f"template '{name}' has no such input", hint=hint, on_key=True)
        elif node.value is not None:
            value = node.plain()
            for misfit in misfits(declared, value):
                yield problem_at(config, ("with", key), f"{shown(value, (key,))} {misfit}", hint=_meaning(declared))
        elif declared.is_required or declared.default is not None:
            yield problem_at(config, ("with", key), "it cannot be null", hint=_meaning(declared))
    for key, declared in template.inputs.items():
        if declared.is_required and key not in values:
            message = f"template '{name}' needs this input"
            yield problem_at(config, ("with", key), message, hint=_meaning(declared))


def _meaning(declared: Input) -> str:
    text = " ".join(declared.description.split()).removesuffix(".")
    return text[:1].lower() + text[1:]
