"""Files as a source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dataflow.spec.base import Text
from dataflow.spec.notify import CONNECTION_PATTERN
from dataflow.spec.resolved import ResolvedText
from dataflow.spec.sources.base import SourceBase

__all__ = ["FileSource"]


class FileSource(SourceBase):
    """Files beside the config, anywhere on this machine, or in S3."""

    type: Literal["file"]
    path: ResolvedText
    """A path or glob, relative to the workflow's folder, or ``s3://connection@bucket/key``, or the address of one file:
    ``https://...``; may hold templates and references."""
    connection: Annotated[str, Field(pattern=CONNECTION_PATTERN)] | None = None
    """The Airflow connection that reaches the bucket, where the ``s3://`` path does not name it."""
    format: Literal["csv", "json", "ndjson", "parquet"]
    """How the files are written; a ``.gz`` is unpacked."""
    options: dict[Text, str | int | float | bool | list[str]] = Field(default_factory=dict)
    """Options of DuckDB's reader, e.g. ``delim``, ``nullstr``, ``skip``, ``dateformat``."""
