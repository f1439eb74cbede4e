"""What a run can be given: the trigger form, ``--conf``, REST, the CLI and ``ctx.params``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from dataflow.spec.base import Spec

__all__ = ["Param", "param_schema"]

JsonType = Literal["string", "integer", "number", "boolean", "array", "object"]


class Param(Spec):
    """One value of a run, in the words of JSON Schema as Airflow uses it."""

    type: JsonType
    """A null ``default`` makes the type nullable."""
    default: Any = None
    """What a scheduled run gets."""
    description: str = ""
    """Shown in the trigger form."""
    title: str = ""
    """Shown in the trigger form instead of the name."""
    format: Literal["date", "date-time", "time", "email", "uri", "multiline"] | None = None
    """What kind of text it is; ``date`` gives a date picker."""
    enum: tuple[Any, ...] | None = None
    """The values that are possible."""
    minimum: int | float | None = None
    """Of a number, included."""
    maximum: int | float | None = None
    """Of a number, included."""
    min_length: int | None = Field(default=None, alias="minLength")
    """Of a text, in characters."""
    max_length: int | None = Field(default=None, alias="maxLength")
    """Of a text, in characters."""
    pattern: str | None = None
    """A regular expression that a text matches."""


def param_schema(param: Param) -> dict[str, Any]:
    """Give the JSON schema of the values that the param takes, without its default."""
    schema = param.model_dump(by_alias=True, exclude_none=True, exclude={"type", "default"}, mode="json")
    schema = {key: value for key, value in schema.items() if value != ""}
    nullable = param.default is None
    schema["type"] = [param.type, "null"] if nullable else param.type
    if nullable and "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema
