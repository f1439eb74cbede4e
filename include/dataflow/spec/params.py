"""What a run can be given: the trigger form, ``--conf``, REST, the CLI and ``ctx.params``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from dataflow.spec.base import Spec

__all__ = ["FORMS", "Param", "param_schema"]

JsonType = Literal["string", "integer", "number", "boolean", "array", "object"]

FORMS = {
    "date-time": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?$",
    "uri": r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$",
    "email": r"^[^\s@]+@[^\s@]+$",
}
"""What texts of a format look like, where JSON Schema's validators judge little or nothing. Airflow checks a pattern
whoever starts the run: the trigger form, REST or the CLI."""


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
    examples: tuple[Any, ...] | None = None
    """Values that the trigger form offers; others are possible too."""
    values_display: dict[str, str] | None = None
    """What the trigger form shows for each of ``enum`` or ``examples``."""
    items: dict[str, Any] | None = None
    """Of an array: the JSON schema of each item, such as ``{type: string}``."""
    section: str = ""
    """Under which heading the trigger form shows it."""
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
    if param.format in FORMS and param.pattern is None:
        schema["pattern"] = FORMS[param.format]
    if nullable and "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema
