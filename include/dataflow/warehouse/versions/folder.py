"""Versions in a folder of a disk. A version, and what is current, becomes visible by a rename."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dataflow.named_files import named_file
from dataflow.warehouse.versions.version import CURRENT, KEPT, VERSION, Draft, May, StoredFile, content_of, new_name

__all__ = ["FolderVersions", "names_below", "stored_file"]

UNFINISHED = ".unfinished-"
LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class FolderVersions:
    """The versions of one folder."""

    place: Path

    @contextmanager
    def new(self, scratch: Path) -> Iterator[Draft]:  # noqa: ARG002  # on the same disk a rename is enough
        """Write in the place itself, under another name; the files of a version are read-only."""
        draft = Draft(version := new_name(), self.place / f"{UNFINISHED}{version}")
        draft.folder.mkdir(parents=True)
        try:
            yield draft
            for file in draft.folder.iterdir():
                file.chmod(0o444)
                _sync(file)
                draft.files[file.name] = stored_file(file)
            _sync(draft.folder)
            draft.folder.rename(self.place / version)
        except BaseException:
            shutil.rmtree(draft.folder, ignore_errors=True)
            raise
        _sync(self.place)

    def take(self, file: Path, draft: Draft, name: str) -> None:
        """Copy it: what is published twice shall not be lost twice."""
        shutil.copyfile(file, draft.folder / name)

    def current(self) -> dict[str, Any] | None:
        """Read ``current.json``."""
        pointer = self.place / CURRENT
        try:
            text = pointer.read_bytes()
        except FileNotFoundError:
            return None
        return content_of(text, pointer)

    def point_to(self, content: Mapping[str, Any], *, may: May, kept: timedelta = KEPT) -> bool:  # noqa: ARG002
        """Replace ``current.json`` while no other process does; when a version was left, its folder's time tells."""
        with self._alone():
            previous = self.current()
            if not may(previous or {}):
                return False
            left = previous.get("version") if previous is not None else None
            if left is not None and (self.place / left).is_dir():
                os.utime(self.place / left)  # from now on it is old; see `old`
            self._replace(json.dumps(content, indent=1))
        return True

    def fetch(self, version: str, name: str, *, into: Path, expected: StoredFile | None) -> Path:  # noqa: ARG002
        """Give the file itself."""
        return self.place / version / name

    def drop(self, version: str) -> None:
        """Delete its folder."""
        shutil.rmtree(self.place / version, ignore_errors=True)

    def old(self, *, keep: str | None, older_than: timedelta = KEPT) -> list[str]:
        """Judge by the time at which a version was left; what a publish did not make is not looked at."""
        current = self.current()
        kept = {keep, current.get("version") if current else None}
        limit = (datetime.now(UTC) - older_than).timestamp()
        return [
            found.name
            for found in sorted(self.place.iterdir())
            if found.name not in kept and _is_ours(found.name) and _changed(found) <= limit
        ]

    def sweep(self, *, keep: str | None, older_than: timedelta = KEPT) -> list[str]:
        """Delete folders of versions, and what a killed process left."""
        swept = self.old(keep=keep, older_than=older_than)
        for name in swept:
            found = self.place / name
            if found.is_dir():
                shutil.rmtree(found, ignore_errors=True)
            else:
                found.unlink(missing_ok=True)
        return swept

    def _replace(self, text: str) -> None:
        written = self.place / f".{CURRENT}-{uuid.uuid4().hex[:8]}"
        try:
            with named_file(written):
                written.write_text(text, encoding="utf-8")
            _sync(written)
            written.replace(self.place / CURRENT)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
        _sync(self.place)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until no other process points readers elsewhere."""
        with (self.place / LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def names_below(top: Path) -> list[str]:
    """Give the folders in which something is current; a link shows what belongs elsewhere."""
    return sorted(found.parent.name for found in top.glob(f"*/{CURRENT}") if not found.parent.is_symlink())


def stored_file(file: Path) -> StoredFile:
    """Read a file of this machine through."""
    with file.open("rb") as opened:
        return StoredFile(file.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest())


def _is_ours(name: str) -> bool:
    """Tell whether a publish made it; the folder may hold what others put there."""
    return VERSION.fullmatch(name) is not None or name.startswith((UNFINISHED, f".{CURRENT}-"))


def _changed(found: Path) -> float:
    try:
        return found.stat().st_mtime
    except FileNotFoundError:  # somebody else sweeps too
        return float("inf")


def _sync(path: Path) -> None:
    """Have the file or folder on disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with named_file(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
