"""The landing's files. The only module that knows that they lie on a local disk; an object store goes under it here.

A name is text: the landing's folder and what lies below it, joined by ``/``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DRAFT",
    "Folder",
    "create_folder",
    "delete",
    "delete_empty",
    "delete_folder",
    "draft_of",
    "fingerprint",
    "join",
    "put",
    "read",
    "replace",
    "walk",
]

DRAFT = ".tmp"
"""How a file's name ends while it is written; no manifest names such a file."""


def join(folder: Path | str, *names: str) -> str:
    """Give the name of something below a folder."""
    return "/".join((str(folder).rstrip("/"), *names))


def create_folder(folder: str) -> None:
    """Create a folder that nobody else has; its parents may exist."""
    path = Path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir()
    except FileNotFoundError:  # a sweep took the empty parent in between
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir()


def delete_folder(folder: str) -> None:
    """Delete a folder and what is in it; what cannot be deleted stays for the sweep."""
    shutil.rmtree(folder, ignore_errors=True)


def draft_of(name: str) -> Path:
    """Give the local file to write before `put` makes it ``name``."""
    return Path(name + DRAFT)


def fingerprint(name: str | Path) -> tuple[int, str]:
    """Give a file's bytes and their sha256.

    Raises:
        OSError: when it cannot be read.
    """
    path = Path(name)
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def put(draft: Path, name: str) -> None:
    """Make a finished draft visible under its name, whole and durable."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.rename(name)
    _sync_folder(Path(name).parent)


def replace(name: str, content: bytes) -> None:
    """Write a small file in one step: readers see the old content or the new, after a power cut too."""
    draft = Path(f"{name}.{uuid.uuid4().hex[:12]}{DRAFT}")
    with draft.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(name)
    _sync_folder(draft.parent)


def read(name: str) -> bytes | None:
    """Give a file's content, None where there is no such file."""
    try:
        return Path(name).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def delete(name: str) -> None:
    """Delete a file, if it is there."""
    Path(name).unlink(missing_ok=True)


def delete_empty(folder: str) -> None:
    """Delete a folder that holds nothing; any other stays."""
    with contextlib.suppress(OSError):
        Path(folder).rmdir()


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of the landing."""

    name: str
    depth: int
    """Names below the landing: 1 is a workflow, 2 a table, 3 a window, 4 a run, 5 a batch."""
    files: tuple[str, ...]
    written: float
    """When it or a file in it changed last (seconds, Unix)."""


def walk(landing: Path | str) -> Iterator[Folder]:
    """Give each folder below the landing, the deepest first."""
    top = str(landing).rstrip("/")
    for name, _, names in os.walk(top, topdown=False):
        depth = name[len(top) :].count("/")
        times = [_changed(Path(name))] + [_changed(Path(name, file)) for file in names]
        if depth:
            yield Folder(name, depth, tuple(names), max(times))


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # a writer renamed or deleted it meanwhile, so someone is at work there
        return time.time()


def _sync_folder(folder: Path) -> None:
    # Without it a power cut may forget the rename, though the content is on the disk.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
