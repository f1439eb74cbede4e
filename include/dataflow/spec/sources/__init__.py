"""Where data comes from: each source gives one table. A module for each type."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dataflow.spec.resolved import resolved_texts
from dataflow.spec.sources.api import ApiSource
from dataflow.spec.sources.base import Column, Columns, Incremental, SourceBase
from dataflow.spec.sources.contract import AS_DECLARED, VARIANT, ContractMode, SchemaContract
from dataflow.spec.sources.database import DatabaseSource
from dataflow.spec.sources.file import FileSource
from dataflow.spec.sources.mock import MockSource
from dataflow.spec.sources.published import PublishedSource
from dataflow.spec.sources.python import PythonSource

__all__ = [
    "AS_DECLARED",
    "VARIANT",
    "ApiSource",
    "Column",
    "Columns",
    "ContractMode",
    "DatabaseSource",
    "FileSource",
    "Incremental",
    "MockSource",
    "PublishedSource",
    "PythonSource",
    "SchemaContract",
    "Source",
    "SourceBase",
    "is_windowed",
]

AnySource = ApiSource | DatabaseSource | FileSource | PythonSource | MockSource | PublishedSource
Source = Annotated[AnySource, Field(discriminator="type")]

WINDOW_WORDS = ("window.", "cursor.", "partition_key")


def is_windowed(source: AnySource) -> bool:
    """Tell whether two runs of different windows read different rows from it."""
    if source.incremental is not None or isinstance(source, MockSource):
        return True
    if isinstance(source, PythonSource):
        return bool(source.windowed)
    templates = (text for _, text in resolved_texts(source) if "{{" in text)
    return any(word in text for text in templates for word in WINDOW_WORDS)
