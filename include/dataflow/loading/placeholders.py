"""``{{ inputs.<name> }}`` in a template: replaced while the config is read, before anything is checked.

A text that is nothing but a placeholder becomes the value itself, with its type and its place; within a longer text,
and in a key, a value is written out. Every other ``{{ }}`` is left to the task.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dataflow.errors import Problem
from dataflow.loading.messages import shown
from dataflow.loading.yaml_document import MAX_BYTES, Node, dotted
from dataflow.near_miss import known_words

__all__ = ["fill", "inputs_named_in", "names_inputs"]

MAX_FILLED = MAX_BYTES
"""Values and characters that placeholders bring in: as much as a file may hold, whatever its size."""

_PLACEHOLDER = re.compile(r"\{\{\s*inputs\.(\w+)\s*\}\}")
_MENTION = re.compile(r"\{\{[^{}]*\binputs\b[^{}]*\}\}")

Steps = tuple[str | int, ...]


def names_inputs(text: str) -> bool:
    """Tell whether a text has a placeholder, well formed or not."""
    return "inputs" in text and _MENTION.search(text) is not None


def inputs_named_in(body: Node) -> set[str]:
    """Give the name of every input that a text or a key of the template names."""
    value = body.value
    if isinstance(value, str):
        return set(_PLACEHOLDER.findall(value))
    children: list[Node] = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    named = {name for key in value for name in _PLACEHOLDER.findall(key)} if isinstance(value, dict) else set()
    return named.union(*map(inputs_named_in, children))


def fill(body: Node, values: Mapping[str, Node]) -> tuple[Node, list[Problem]]:
    """Give a copy of a template whose placeholders are replaced, and what is wrong with them.

    Args:
        body: The template without its inputs.
        values: Every input that it declares, with the value that it has for this config.
    """
    filling = _Filling(values)
    filled = filling.node(body, ())
    return filled or replace(body, value={}), filling.problems


@dataclass
class _Filling:
    values: Mapping[str, Node]
    problems: list[Problem] = field(default_factory=list)
    room: int = MAX_FILLED
    weights: dict[str, int] = field(default_factory=dict)

    def node(self, node: Node, steps: Steps) -> Node | None:
        """Give the filled value; None where an input is null, so that its key is left out."""
        value = node.value
        if isinstance(value, str):
            return self.text_node(node, value, steps)
        if isinstance(value, dict):
            return replace(node, value=self.mapping(value, steps))
        if isinstance(value, list):
            filled = [self.node(each, (*steps, index)) for index, each in enumerate(value)]
            return replace(node, value=[each for each in filled if each is not None])
        return node

    def mapping(self, value: dict[str, Node], steps: Steps) -> dict[str, Node]:
        filled: dict[str, Node] = {}
        for key, child in value.items():
            name = self.written_out(key, child, (*steps, key), on_key=True) if names_inputs(key) else key
            if name in filled:
                hint = f"the other is on line {filled[name].key_line}"
                self.tell(child, (*steps, name), "duplicate key, once the inputs are placed", hint, on_key=True)
                continue
            placed = self.node(child, (*steps, name))
            if placed is not None:
                filled[name] = placed
        return filled

    def text_node(self, node: Node, text: str, steps: Steps) -> Node | None:
        if not names_inputs(text):
            return node
        whole = _PLACEHOLDER.fullmatch(text.strip())
        if whole is None:
            return replace(node, value=self.written_out(text, node, steps))
        given = self.value(whole[1], node, steps)
        return None if given is None or given.value is None else given

    def written_out(self, text: str, node: Node, steps: Steps, *, on_key: bool = False) -> str:
        if "inputs" in _PLACEHOLDER.sub("", text) and _MENTION.search(_PLACEHOLDER.sub("", text)):
            hint = "write {{ inputs.<name> }} and nothing more within the braces"
            self.tell(node, steps, "an input is only placed, not computed with", hint, on_key=on_key)
            return text

        def written(match: re.Match[str]) -> str:
            given = self.value(match[1], node, steps, on_key=on_key)
            if given is None:
                return ""
            if given.value is None or isinstance(given.value, (dict, list)):
                message = f"the input '{match[1]}' is {shown(given.value)}, which no text holds"
                self.tell(node, steps, message, "let it stand alone, as the whole value", on_key=on_key)
                return ""
            return given.value if isinstance(given.value, str) else json.dumps(given.value)

        return _PLACEHOLDER.sub(written, text)

    def value(self, name: str, node: Node, steps: Steps, *, on_key: bool = False) -> Node | None:
        given = self.values.get(name)
        if given is None:
            hint = known_words(name, self.values, what="its inputs are") or "declare it in `inputs`"
            self.tell(node, steps, f"the template has no input '{name}'", hint, on_key=on_key)
            return None
        if name not in self.weights:
            self.weights[name] = _weight(given)
        self.room -= self.weights[name]
        if self.room < 0:
            self.tell(node, steps, f"the inputs bring in more than {MAX_FILLED // 1024} kB", "place fewer of them")
            self.values = {}
            return None
        return given

    def tell(self, node: Node, steps: Steps, message: str, hint: str = "", *, on_key: bool = False) -> None:
        place = (node.key_line, node.key_column) if on_key else (node.line, node.column)
        if self.room >= 0 or not self.problems:
            self.problems.append(Problem(node.path, *place, dotted(steps), message, hint))


def _weight(node: Node) -> int:
    value = node.value
    if isinstance(value, dict):
        return 1 + sum(len(key) + _weight(child) for key, child in value.items())
    if isinstance(value, list):
        return 1 + sum(map(_weight, value))
    return 1 + (len(value) if isinstance(value, str) else 0)
