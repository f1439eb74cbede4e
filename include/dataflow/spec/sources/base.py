"""What every source may say, whatever its type."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from dataflow.spec.base import Duration, Flag, Spec, Text
from dataflow.spec.sources.contract import AS_DECLARED, GivenContract

__all__ = ["DOTTED_PATTERN", "Column", "Columns", "Dotted", "Incremental", "SourceBase"]

DOTTED_PATTERN = r"^[^.]+(\.[^.]+)*$"
Dotted = Annotated[str, Field(pattern=DOTTED_PATTERN)]
"""Keys, joined by dots: ``data.items``."""


class Column(Spec):
    """One column of a source: its name is the key."""

    type: Text
    """A DuckDB type, e.g. ``BIGINT`` or ``DECIMAL(12,2)``."""
    description: str = ""
    """Shown on the page and carried into dbt's source."""
    path: Dotted | None = None
    """Where the value is in a record of JSON: keys, joined by dots, e.g. ``contact.email``; a number picks from a list.
    By default the key named like the column."""
    sensitive: Flag = False
    """Show ``***`` for its values in errors, samples of failing rows and listings of the quarantine.

    The rows themselves are landed as they are.
    """


def _column(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


Columns = dict[Text, Annotated[Column, BeforeValidator(_column, json_schema_input_type=str | Column)]]
"""Column names and their DuckDB types."""


class Incremental(Spec):
    """Read only what is new: a run reads a range of the cursor column."""

    cursor: Text
    """The column whose value says when a row changed: a DATE, TIMESTAMP or TIMESTAMPTZ, no number."""
    start: date | None = None
    """Where the first run begins; without it the workflow's ``start_date``."""
    lag: Duration = timedelta(0)
    """How far each run reads back, for rows that arrive late."""


class SourceBase(Spec):
    """What every source may say."""

    description: str = ""
    """What one row of the table is."""
    columns: Columns = Field(default_factory=dict)
    """Columns and their types; what is not declared is not landed, unless the ``schema_contract`` says so."""
    schema_contract: GivenContract = AS_DECLARED
    """What is done with data that is not as ``columns`` says."""
    incremental: Incremental | None = None
    """Read a range of a cursor column instead of everything."""
