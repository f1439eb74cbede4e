"""A function of the author's as a source."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from dataflow.spec.base import Flag, Text
from dataflow.spec.sources.base import SourceBase

__all__ = ["PythonSource"]


class PythonSource(SourceBase):
    """A function that yields rows, DataFrames or Arrow tables."""

    type: Literal["python"]
    callable: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """``module:function``; by default the function of ``ingestion.py`` named like the source."""
    options: dict[Text, Any] = Field(default_factory=dict)
    """Keyword arguments of the function."""
    windowed: Flag | None = None
    """Whether the rows depend on the run's window; found from the function's use of ``ctx.window``, ``ctx.cursor``
    or ``ctx.partition_key`` unless said."""
