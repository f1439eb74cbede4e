"""The reference of every key, as Markdown: ``docs/config-reference.md``, made from the JSON schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dataflow.durations import DURATION_PATTERN
from dataflow.spec.json_schema import Schema, workflow_schema

__all__ = ["config_reference"]

HEAD = """\
# Every key of a config

Made by `dataflow config schema --write` from the config model; [Writing a workflow](authoring.md) says how the keys
work together, [Templates, defaults and environments](templates.md) which file may give which. A key without a default
is left out unless it is wanted, and `null` removes what another layer gave. Durations are written `30s 5m 2h 1d`.
"""


def config_reference() -> str:
    """Give the page: one section for the workflow, and one for each mapping that a key holds."""
    schema = workflow_schema()
    definitions: dict[str, Schema] = schema["$defs"]
    lines = [HEAD, "## The workflow", "", *_table(schema["properties"])]
    for name in _in_order_of_use(schema, definitions):
        definition = definitions[name]
        lines += ["", f"## {name}", "", definition["description"], "", *_table(definition["properties"])]
    return "\n".join(lines) + "\n"


def _in_order_of_use(schema: Schema, definitions: dict[str, Schema]) -> list[str]:
    found: dict[str, None] = {}
    left = [schema["properties"]]
    while left:
        names = [name for name in dict.fromkeys(_names_in(left.pop(0))) if name not in found]
        found.update(dict.fromkeys(names))
        left += [definitions[name]["properties"] for name in names]
    return list(found)


def _names_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield _name(node)
        for key, value in node.items():
            if key != "examples":
                yield from _names_in(value)
    elif isinstance(node, list):
        for each in node:
            yield from _names_in(each)


def _name(node: Schema) -> str:
    return str(node["$ref"]).rpartition("/")[2]


def _table(properties: dict[str, Schema]) -> Iterator[str]:
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for key, part in properties.items():
        default = f"`{_written(part['default'])}`" if part.get("default") not in (None, "") else ""
        examples = "<br>".join(f"`{_written(each)}`" for each in part.get("examples", ()))
        about = part.get("description", "") + (f"<br>{examples}" if examples else "")
        yield f"| `{key}` | {_kind(part)} | {default} | {about} |".replace("  |", " |")


def _kind(part: Schema) -> str:
    """Say in words what a value is."""
    match part:
        case {"$ref": _}:
            kind = f"[{_name(part)}](#{_name(part).lower()})"
        case {"anyOf": several}:
            kind = " or ".join(dict.fromkeys(_kind(each) for each in several if each != {"type": "null"}))
        case {"const": value}:
            kind = f"`{value}`"
        case {"enum": values}:
            kind = ", ".join(f"`{value}`" for value in values)
        case {"type": "array"}:
            items = _kind(part.get("items", {}))
            kind = f"list of ({items})" if " or " in items else f"list of {items}"
        case {"type": "object"}:
            kind = _mapping(part)
        case {"pattern": pattern} if pattern == DURATION_PATTERN:
            kind = "duration"
        case {"format": "date"}:
            kind = "date"
        case _:
            words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
            kind = words.get(part.get("type", ""), "anything")
    return kind


def _mapping(part: Schema) -> str:
    values = next(iter(part.get("patternProperties", {}).values()), part.get("additionalProperties"))
    return f"mapping of names to {_kind(values)}" if isinstance(values, dict) else "mapping"


def _written(value: Any) -> str:
    """Give a value as it stands in a config, on one line; a cell's ``|`` would end it."""
    return _flow(value, inside=False).replace("|", "\\|")


def _flow(value: Any, *, inside: bool) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each, inside=True)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(each, inside=True) for each in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    needs_quotes = value[:1] in "@{[*&!%" or "{{" in value or "${" in value or ": " in value or value == ""
    return json.dumps(value) if needs_quotes or (inside and set(value) & set(",[]{}")) else value
