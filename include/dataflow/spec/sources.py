"""Where data comes from: each source gives one table."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from dataflow.spec.base import Count, Duration, Flag, Spec, Text
from dataflow.spec.resolved import ResolvedText

__all__ = [
    "Column",
    "Columns",
    "FileSource",
    "Incremental",
    "MockSource",
    "PublishedSource",
    "PythonSource",
    "Source",
    "is_windowed",
]


class Column(Spec):
    """One column of a source: its name is the key."""

    type: Text
    """A DuckDB type, e.g. ``BIGINT`` or ``DECIMAL(12,2)``."""
    description: str = ""
    """Shown on the page and carried into dbt's source."""


def _column(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


Columns = dict[Text, Annotated[Column, BeforeValidator(_column, json_schema_input_type=str | Column)]]
"""Column names and their DuckDB types."""


class Incremental(Spec):
    """Read only what is new: a run reads a range of the cursor column."""

    cursor: Text
    """The column whose value says when a row changed."""
    start: date | None = None
    """Where the first run begins; without it the workflow's ``start_date``."""
    lag: Duration = timedelta(0)
    """How far each run reads back, for rows that arrive late."""


class SourceBase(Spec):
    """What every source may say."""

    description: str = ""
    """What one row of the table is."""
    columns: Columns = Field(default_factory=dict)
    """Columns and their types; what is not declared is not landed."""
    incremental: Incremental | None = None
    """Read a range of a cursor column instead of everything."""


class FileSource(SourceBase):
    """Files beside the config, or anywhere on this machine."""

    type: Literal["file"]
    path: ResolvedText
    """A path or glob, relative to the workflow's folder; may hold templates and references."""
    format: Literal["csv", "json", "ndjson", "parquet"]
    """How the files are written; a ``.gz`` is unpacked."""
    options: dict[Text, str | int | float | bool | list[str]] = Field(default_factory=dict)
    """Options of DuckDB's reader, e.g. ``delim``, ``nullstr``, ``skip``, ``dateformat``."""


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


class MockSource(SourceBase):
    """Made-up rows of the declared columns, the same for the same window."""

    type: Literal["mock"]
    columns: Annotated[Columns, Field(min_length=1)]
    """Columns and their types."""
    rows: Annotated[Count, Field(le=10_000_000)] = 100
    """Rows in each window."""
    seed: int = 0
    """Another seed gives other rows."""


class PublishedSource(SourceBase):
    """A table that another workflow published."""

    type: Literal["published"]
    table: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,62}\.[a-z][a-z0-9_]*$")]
    """``<workflow>.<table>``."""


Source = Annotated[FileSource | PythonSource | MockSource | PublishedSource, Field(discriminator="type")]

WINDOW_WORDS = ("window.", "cursor.", "partition_key")


def is_windowed(source: FileSource | PythonSource | MockSource | PublishedSource) -> bool:
    """Tell whether two runs of different windows read different rows from it."""
    if source.incremental is not None or isinstance(source, MockSource):
        return True
    if isinstance(source, PythonSource):
        return bool(source.windowed)
    if isinstance(source, FileSource):
        return "{{" in source.path and any(word in source.path for word in WINDOW_WORDS)
    return False
