"""Which errors are tried again."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from dataflow.spec.base import as_list

__all__ = ["ERROR_PATTERN", "ErrorNames"]

ERROR_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"

ErrorName = Annotated[str, Field(pattern=ERROR_PATTERN)]
ErrorNames = Annotated[
    tuple[ErrorName, ...], BeforeValidator(as_list, json_schema_input_type=ErrorName | tuple[ErrorName, ...])
]
"""Names of exception classes; those of a library with its package."""
