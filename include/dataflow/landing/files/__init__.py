"""The landing's files: on a disk, or in S3. Nothing outside of this package knows where they lie.

A name is text: the landing's place and what lies below it, joined by ``/``. It says itself where it lies:
``/data/landing/shop/orders/...`` or ``s3://aws@lake/landing/shop/orders/...``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from dataflow.landing.files import bucket, disk
from dataflow.landing.files.folder import DRAFT, Folder
from dataflow.s3.place import S3Place, is_s3

__all__ = [
    "DRAFT",
    "Folder",
    "create_folder",
    "delete",
    "delete_empty",
    "delete_folder",
    "drafts",
    "fetch",
    "fingerprint",
    "join",
    "put",
    "read",
    "replace",
    "replace_if",
    "walk",
]


class _Files(Protocol):
    """What a kind of place can do; `disk` and `bucket` are the two."""

    def create_folder(self, folder: str) -> None: ...
    def delete_folder(self, folder: str) -> None: ...
    def drafts(self, folder: str, scratch: Path) -> AbstractContextManager[Path]: ...
    def fingerprint(self, name: str) -> tuple[int, str]: ...
    def fetch(self, name: str, into: Path) -> tuple[Path, int, str]: ...
    def put(self, draft: Path, name: str, *, sha256: str) -> None: ...
    def replace(self, name: str, content: bytes) -> None: ...
    def replace_if(self, name: str, content: bytes, *, may: Callable[[], bool]) -> bool: ...
    def read(self, name: str) -> bytes | None: ...
    def delete(self, *names: str) -> None: ...
    def delete_empty(self, folder: str) -> None: ...
    def walk(self, landing: str) -> Iterator[Folder]: ...


def _at(name: str) -> _Files:
    return bucket if is_s3(name) else disk


def join(folder: Path | S3Place | str, *names: str) -> str:
    """Give the name of something below a folder."""
    return "/".join((str(folder).rstrip("/"), *names))


def create_folder(folder: str) -> None:
    """Create a folder that nobody else has; its parents may exist."""
    _at(folder).create_folder(folder)


def delete_folder(folder: str) -> None:
    """Delete a folder and what is in it; what cannot be deleted stays for the sweep."""
    _at(folder).delete_folder(folder)


def drafts(folder: str, scratch: Path) -> AbstractContextManager[Path]:
    """Give the folder of this machine where drafts of files of ``folder`` are written; `put` takes them from there."""
    return _at(folder).drafts(folder, scratch)


def fingerprint(name: str | Path) -> tuple[int, str]:
    """Give a file's bytes and their sha256.

    Raises:
        OSError: when it is not there or cannot be read.
        TransientError: when the store did not give all of it this time.
    """
    return _at(str(name)).fingerprint(str(name))


def fetch(name: str, into: Path) -> tuple[Path, int, str]:
    """Give a file of this machine with that content, its bytes and their sha256: itself, or a copy in that folder.

    Raises:
        OSError, TransientError: as `fingerprint`.
    """
    return _at(name).fetch(name, into)


def put(draft: Path, name: str, *, sha256: str) -> None:
    """Make a finished draft visible under its name, whole and durable. The draft is gone then."""
    _at(name).put(draft, name, sha256=sha256)


def replace(name: str, content: bytes) -> None:
    """Write a small file in one step: readers see the old content or the new, after a power cut too."""
    _at(name).replace(name, content)


def replace_if(name: str, content: bytes, *, may: Callable[[], bool]) -> bool:
    """Write a small file as `replace` does, if it may be written then; tell whether it was.

    Nobody writes it so between the answer and the file: others wait, or ``may`` is asked again when somebody did. Where
    neither is known, of a share or a store, ``may`` is asked once more afterwards, so that it can raise what it finds.

    Raises:
        TransientError: when others wrote it all the time.
    """
    return _at(name).replace_if(name, content, may=may)


def read(name: str) -> bytes | None:
    """Give a file's content, None where there is no such file."""
    return _at(name).read(name)


def delete(*names: str) -> None:
    """Delete files of one landing, if they are there."""
    if names:
        _at(names[0]).delete(*names)


def delete_empty(folder: str) -> None:
    """Delete a folder that holds nothing; any other stays."""
    _at(folder).delete_empty(folder)


def walk(landing: Path | S3Place | str) -> Iterator[Folder]:
    """Give each folder below the landing, the deepest first."""
    return _at(str(landing)).walk(str(landing).rstrip("/"))
