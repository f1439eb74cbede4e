"""The landing's files on a disk. What is written becomes visible by a rename, which is whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from dataflow.errors import TransientError
from dataflow.landing.files.folder import DRAFT, Folder
from dataflow.named_files import named_file

__all__ = [
    "create_folder",
    "delete",
    "delete_empty",
    "delete_folder",
    "drafts",
    "fetch",
    "fingerprint",
    "put",
    "read",
    "replace",
    "replace_if",
    "walk",
]

PATIENCE_SECONDS, PAUSE_SECONDS = 60, 0.01
_NO_LOCKS = frozenset({errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
"""What a share says whose folders cannot be locked."""


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


@contextlib.contextmanager
def drafts(folder: str, scratch: Path) -> Iterator[Path]:  # noqa: ARG001  # the other kind of place asks
    """Give the folder itself: on the same disk a rename is enough."""
    yield Path(folder)


def fingerprint(name: str) -> tuple[int, str]:
    """Read the file through."""
    path = Path(name)
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def fetch(name: str, into: Path) -> tuple[Path, int, str]:  # noqa: ARG001  # the other kind of place asks
    """Give the file itself."""
    return Path(name), *fingerprint(name)


def put(draft: Path, name: str, *, sha256: str) -> None:  # noqa: ARG001  # the other kind of place asks
    """Make a finished draft visible under its name, whole and durable."""
    with named_file(name):
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.rename(name)
        _sync_folder(Path(name).parent)


def replace(name: str, content: bytes) -> None:
    """Write a small file in one step: readers see the old content or the new, after a power cut too."""
    draft = Path(f"{name}.{uuid.uuid4().hex[:12]}{DRAFT}")
    try:
        with named_file(draft), draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(name)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(draft.parent)


def replace_if(name: str, content: bytes, *, may: Callable[[], bool]) -> bool:
    """Write a small file while nobody else writes one of its folder so."""
    with _alone(Path(name).parent) as alone:
        if not may():
            return False
        replace(name, content)
    if not alone:
        may()
    return True


def read(name: str) -> bytes | None:
    """Give a file's content, None where there is no such file."""
    try:
        return Path(name).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def delete(*names: str) -> None:
    """Delete the files that are there."""
    for name in names:
        Path(name).unlink(missing_ok=True)


def delete_empty(folder: str) -> None:
    """Delete a folder that holds nothing; any other stays."""
    with contextlib.suppress(OSError):
        Path(folder).rmdir()


def walk(landing: str) -> Iterator[Folder]:
    """Give each folder, the deepest first."""
    for name, _, names in os.walk(landing, topdown=False):
        depth = name[len(landing) :].count("/")
        times = [_changed(Path(name))] + [_changed(Path(name, file)) for file in names]
        if depth:
            yield Folder(name, depth, tuple(names), max(times))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Lock the folder, and tell whether it could be: NFS locks no folders."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield _locked(descriptor, folder)
    finally:
        os.close(descriptor)  # a copy in a fork would keep the lock; forks do not outlive this


def _locked(descriptor: int, folder: Path) -> bool:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE_SECONDS)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return False
        else:
            return True
    raise TransientError(f"{folder}: another process has been writing there for {PATIENCE_SECONDS} s")


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
