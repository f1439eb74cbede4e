"""Where data comes from: each source gives one table. A module for each type."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dataflow.spec.sources.base import Column, Columns, Incremental
from dataflow.spec.sources.file import FileSource
from dataflow.spec.sources.mock import MockSource
from dataflow.spec.sources.published import PublishedSource
from dataflow.spec.sources.python import PythonSource

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
