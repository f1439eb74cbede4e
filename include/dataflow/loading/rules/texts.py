"""Templates and references: where they may stand, and that they are well formed. They are resolved only in a task."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dataflow.loading.messages import shown
from dataflow.loading.model_keys import mark_at, resolved_fields
from dataflow.loading.placeholders import names_inputs
from dataflow.loading.rules.subject import Finding, Findings, Steps
from dataflow.loading.yaml_document import Node

__all__ = ["texts_are_sound"]

_REFERENCE = re.compile(r"\$\{(?:[A-Z_][A-Z0-9_]*(?::-[^{}]*)?|conn:[\w.-]+\.[a-z_]+|var:[\w.-]+)\}")
_ESCAPED = "$${"
FORMS = "${NAME}, ${NAME:-default}, ${conn:ID.password} or ${var:KEY}"


def texts_are_sound(root: Node) -> Findings:
    """Check every text of a config, whether or not the rest of it is sound."""
    for steps, text in _texts(root, ()):
        if ("{{" in text or "${" in text) and steps[0] != "with":  # an input is judged where it is placed
            mark = mark_at(_tagged(root, steps))
            yield from _template(steps, text, allowed=mark is not None and mark.templates)
            yield from _references(steps, text.replace(_ESCAPED, ""), allowed=mark is not None and mark.references)


def _tagged(root: Node, steps: Steps) -> Steps:
    """Put the type of a source behind its name, as the config model knows its members."""
    kind = root.at((*steps[:2], "type")) if steps[0] == "sources" else None
    return (*steps[:2], kind.value, *steps[2:]) if kind is not None and isinstance(kind.value, str) else steps


def _allowed(*, references: bool) -> str:
    return f"only in the {', the '.join(resolved_fields(references=references))}"


def _texts(node: Node, steps: Steps) -> Iterator[tuple[Steps, str]]:
    value = node.value
    if isinstance(value, str):
        yield steps, value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from _texts(child, (*steps, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _texts(child, (*steps, index))


def _template(steps: Steps, text: str, *, allowed: bool) -> Findings:
    if "{{" not in text:
        return
    if names_inputs(text):
        yield Finding(steps, "there are no `inputs` here", "only a template in include/templates has them")
    elif not allowed:
        yield Finding(steps, "`{{ }}` is not rendered here", f"templates stand {_allowed(references=False)}")
    elif re.sub(r"\{\{[^{}]*\}\}", "", text).find("{{") >= 0 or text.count("{{") != text.count("}}"):
        yield Finding(steps, f"the braces in {shown(text)} do not match", "each `{{` has its `}}`")


def _references(steps: Steps, text: str, *, allowed: bool) -> Findings:
    if "${" not in text:
        return
    if not allowed:
        hint = f"references stand {_allowed(references=True)}, write $${{ for the text"
        yield Finding(steps, "`${ }` is not resolved here", hint)
    elif "${" in _REFERENCE.sub("", text):
        yield Finding(steps, f"{shown(text)} holds a reference that is none", f"write {FORMS}")
