"""The JSON schema of a config, for editors: made from the model, its docstrings and the examples.

It describes one file, and a file may be a layer: what a template or the defaults give need not be there, and ``null``
removes it. So nothing is required where mappings merge; ``dataflow config validate`` judges the whole.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import ModelSchema

from dataflow.attribute_docstrings import attribute_docstrings
from dataflow.durations import format_duration
from dataflow.spec.examples import EXAMPLES
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["Schema", "workflow_schema"]

Schema = dict[str, Any]

_DEFINITION = "#/$defs/"
_NULL: Schema = {"type": "null"}


def workflow_schema() -> Schema:
    """Give the schema of ``config.yaml`` and of every other layer."""
    schema: Schema = WorkflowSpec.model_json_schema(by_alias=True, schema_generator=_Generator)
    definitions = schema.pop("$defs")
    del schema["properties"]["name"]
    for name, definition in [("WorkflowSpec", schema), *definitions.items()]:
        _tidy(definition)
        for key, examples in EXAMPLES.get(name, {}).items():
            definition["properties"][key]["examples"] = list(examples)
    _loosen(schema, definitions, seen=set())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A workflow of dataflow",
        **schema,
        "$defs": definitions,
    }


class _Generator(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """Write a duration as a config does."""
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def model_schema(self, schema: ModelSchema) -> Schema:
        """Say of each key what the model's source says of it."""
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        model.model_rebuild()  # until then an alias in a type that names a later one is not known
        for name, text in attribute_docstrings(model).items():
            made["properties"][model.model_fields[name].alias or name].setdefault("description", text)
        return made


def _plain_text(docstring: str) -> str:
    """Give a docstring as one line of Markdown."""
    return " ".join(docstring.replace("``", "`").split())


def _tidy(node: Any) -> None:
    """Leave out what pydantic writes of its own: titles that repeat the key, null as a default."""
    if isinstance(node, list):
        for each in node:
            _tidy(each)
    elif isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        if isinstance(node.get("description"), str):
            node["description"] = _plain_text(node["description"])
        if "default" in node and node["default"] in (None, {}, []):
            del node["default"]
        node.pop("discriminator", None)
        for each in node.values():
            _tidy(each)


def _loosen(node: Schema, definitions: dict[str, Schema], *, seen: set[str]) -> None:
    """Let what can be laid over something be a part of it, or null. What is in a list is whole."""
    if "$ref" in node:
        name = node["$ref"].removeprefix(_DEFINITION)
        if name not in seen:
            seen.add(name)
            _loosen(definitions[name], definitions, seen=seen)
    if "oneOf" in node:  # without its type, a part of a source may fit several
        node["anyOf"] = node.pop("oneOf")
    for each in node.get("anyOf", ()):
        _loosen(each, definitions, seen=seen)
    node.pop("required", None)
    parts = node.get("properties", {})
    for key, part in parts.items():
        _loosen(part, definitions, seen=seen)
        parts[key] = _or_null(part)
    if isinstance(values := node.get("additionalProperties"), dict):
        _loosen(values, definitions, seen=seen)
        node["additionalProperties"] = _or_null(values)
    for pattern, values in node.get("patternProperties", {}).items():
        _loosen(values, definitions, seen=seen)
        node["patternProperties"][pattern] = _or_null(values)
        node["additionalProperties"] = False


def _or_null(part: Schema) -> Schema:
    if not part.keys() & {"type", "anyOf", "$ref", "enum", "const"} or part == _NULL:
        return part  # anything fits, null too
    if "anyOf" in part:
        others = [each for each in part["anyOf"] if each != _NULL]
        return {**part, "anyOf": [*others, _NULL]}
    about = {key: part[key] for key in ("description", "default", "examples") if key in part}
    return {**about, "anyOf": [{key: value for key, value in part.items() if key not in about}, _NULL]}
