"""Where data comes from: each source gives one table. A module for each type."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dataflow.spec.sources.base import Column, Columns, Incremental
from dataflow.spec.sources.database import DatabaseSource
from dataflow.spec.sources.file import FileSource
from dataflow.spec.sources.mock import MockSource
from dataflow.spec.sources.published import PublishedSource
from dataflow.spec.sources.python import PythonSource

__all__ = [
    "Column",
    "Columns",
    "DatabaseSource",
    "FileSource",
    "Incremental",
    "MockSource",
    "PublishedSource",
    "PythonSource",
    "Source",
    "is_windowed",
]

AnySource = DatabaseSource | FileSource | PythonSource | MockSource | PublishedSource
Source = Annotated[AnySource, Field(discriminator="type")]

WINDOW_WORDS = ("window.", "cursor.", "partition_key")


def is_windowed(source: AnySource) -> bool:
    """Tell whether two runs of different windows read different rows from it."""
    if source.incremental is not None or isinstance(source, MockSource):
        return True
    if isinstance(source, PythonSource):
        return bool(source.windowed)
    if isinstance(source, FileSource):
        return _reads_window(source.path)
    return isinstance(source, DatabaseSource) and _reads_window(source.query or "")


def _reads_window(text: str) -> bool:
    return "{{" in text and any(word in text for word in WINDOW_WORDS)
