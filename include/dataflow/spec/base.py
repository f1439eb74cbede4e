"""What every part of the config model shares."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, Strict, StringConstraints

from dataflow.durations import DURATION_PATTERN, format_duration, parse_duration

__all__ = ["Count", "Duration", "Flag", "Name", "Names", "Spec", "Sql", "Text", "as_list"]

NAME_PATTERN = r"^[a-z][a-z0-9_]{1,62}$"


class Spec(BaseModel):
    """The root of the config model: an unknown key is an error, a value never changes."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        # Every parse and every task's start imports the model; a part that is only used within the whole is built once.
        defer_build=True,
    )


Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""Of a workflow, table, column-like thing of ours: lower case, digits, underscores; 2 to 63 characters."""

Text = Annotated[str, StringConstraints(min_length=1)]
Sql = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
"""A DuckDB expression or query."""

Flag = Annotated[bool, Strict()]
"""``true`` or ``false`` and nothing that looks like them."""

Count = Annotated[int, Strict(), Field(ge=0)]

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=Annotated[str, Field(pattern=DURATION_PATTERN)]),
    PlainSerializer(format_duration, return_type=str),
]
"""``30s 5m 2h 1d``."""


def as_list(value: Any) -> Any:
    """Read one value as a list of one; a list stays a list."""
    return value if isinstance(value, (list, tuple)) else [value]


Names = Annotated[
    tuple[Text, ...], BeforeValidator(as_list, json_schema_input_type=Text | tuple[Text, ...]), Field(min_length=1)
]
"""One column, or a list of them."""
