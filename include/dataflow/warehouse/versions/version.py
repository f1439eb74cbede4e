"""What a version is, wherever it lies: a folder of files that nobody changes once it has its name."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dataflow.errors import FatalError
from dataflow.s3.place import S3Place

__all__ = ["CURRENT", "KEPT", "VERSION", "Draft", "May", "StoredFile", "content_of", "new_name"]

KEPT = timedelta(hours=24)
"""How long a reader may go on with a version after it was superseded."""
CURRENT = "current.json"
VERSION = re.compile(r"(\.unfinished-)?\d{8}T\d{6}Z-[0-9a-f]{8}")
"""The name of a version, finished or not."""

May = Callable[[Mapping[str, Any]], bool]
"""Takes what ``current.json`` says now, nothing where there is none, and tells whether it may say something else."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a version."""

    bytes: int
    sha256: str


@dataclass(slots=True)
class Draft:
    """A version that is being written."""

    version: str
    folder: Path
    """Empty, on this machine; its files are the version's."""
    files: dict[str, StoredFile] = field(default_factory=dict)
    """What the version holds, by name; known once it is whole and durable."""


def new_name() -> str:
    """Give the name of a version that begins now."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


def content_of(text: bytes | None, pointer: Path | S3Place) -> dict[str, Any] | None:
    """Read a ``current.json``; None where there is none.

    Raises:
        FatalError: when somebody else wrote it.
    """
    try:
        return None if text is None else dict(json.loads(text))
    except ValueError:
        raise FatalError(f"{pointer} is not what a publish wrote; move it away, or publish elsewhere") from None
