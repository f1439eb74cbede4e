"""Files as a source."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dataflow.spec.base import Text
from dataflow.spec.resolved import ResolvedText
from dataflow.spec.sources.base import SourceBase

__all__ = ["FileSource"]


class FileSource(SourceBase):
    """Files beside the config, or anywhere on this machine."""

    type: Literal["file"]
    path: ResolvedText
    """A path or glob, relative to the workflow's folder; may hold templates and references."""
    format: Literal["csv", "json", "ndjson", "parquet"]
    """How the files are written; a ``.gz`` is unpacked."""
    options: dict[Text, str | int | float | bool | list[str]] = Field(default_factory=dict)
    """Options of DuckDB's reader, e.g. ``delim``, ``nullstr``, ``skip``, ``dateformat``."""
