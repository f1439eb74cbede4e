"""Made-up rows as a source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dataflow.spec.base import Count
from dataflow.spec.sources.base import Columns, SourceBase

__all__ = ["MockSource"]


class MockSource(SourceBase):
    """Made-up rows of the declared columns, the same for the same window."""

    type: Literal["mock"]
    columns: Annotated[Columns, Field(min_length=1)]
    """Columns and their types."""
    rows: Annotated[Count, Field(le=10_000_000)] = 100
    """Rows in each window."""
    seed: int = 0
    """Another seed gives other rows."""
