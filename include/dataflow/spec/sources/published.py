"""What another workflow published, as a source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dataflow.spec.sources.base import SourceBase

__all__ = ["PublishedSource"]


class PublishedSource(SourceBase):
    """A table that another workflow published."""

    type: Literal["published"]
    table: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,62}\.[a-z][a-z0-9_]*$")]
    """``<workflow>.<table>``."""
