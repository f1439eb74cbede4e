"""Folders of which one is current: a new version is complete before anyone is pointed to it."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dataflow.named_files import named_file

__all__ = [
    "CURRENT",
    "KEPT",
    "VERSION",
    "new_version",
    "old_versions",
    "read_current",
    "swap_current",
    "sweep_versions",
]

KEPT = timedelta(hours=24)
"""How long a reader may go on with a version after it was superseded."""
CURRENT = "current.json"
UNFINISHED = ".unfinished-"
VERSION = re.compile(r"(\.unfinished-)?\d{8}T\d{6}Z-[0-9a-f]{8}")
"""The name of a version, finished or not."""


@contextmanager
def new_version(place: Path) -> Iterator[Path]:
    """Give an empty folder to write to; when the block ends it is on disk, read-only, under its own name.

    The name is ``UNFINISHED`` and the version's. Where the block raises, nothing stays; where the process is killed,
    the folder stays unseen until it is swept.
    """
    version = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    unfinished = place / f"{UNFINISHED}{version}"
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        for file in unfinished.iterdir():
            file.chmod(0o444)
            _sync(file)
        _sync(unfinished)
        unfinished.rename(place / version)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _sync(place)


def version_of(folder: Path) -> str:
    """Give the version's name while its folder is unfinished, and after."""
    return folder.name.removeprefix(UNFINISHED)


def read_current(place: Path) -> dict[str, Any] | None:
    """Give what `swap_current` wrote last; None where it never did."""
    try:
        value = json.loads((place / CURRENT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return dict(value)


def swap_current(place: Path, described: Mapping[str, Any]) -> None:
    """Point readers to the version that ``described["version"]`` names, in one step that is on disk when it returns."""
    previous = read_current(place)
    if previous is not None and (place / previous["version"]).is_dir():
        os.utime(place / previous["version"])  # from now on it is old; see sweep_versions
    written = place / f".{CURRENT}-{uuid.uuid4().hex[:8]}"
    try:
        with named_file(written):
            written.write_text(json.dumps(described, indent=1), encoding="utf-8")
        _sync(written)
        written.replace(place / CURRENT)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    _sync(place)


def sweep_versions(place: Path, *, keep: str | None, older_than: timedelta = KEPT) -> list[str]:
    """Delete what has not been current for that long, never the current version nor the one to keep; give the names."""
    swept = old_versions(place, keep=keep, older_than=older_than)
    for name in swept:
        found = place / name
        if found.is_dir():
            shutil.rmtree(found, ignore_errors=True)
        else:
            found.unlink(missing_ok=True)
    return swept


def old_versions(place: Path, *, keep: str | None, older_than: timedelta = KEPT) -> list[str]:
    """Give the names of what `sweep_versions` deletes."""
    current = read_current(place)
    kept = {CURRENT, keep, current["version"] if current else None}
    limit = (datetime.now(UTC) - older_than).timestamp()
    return [
        found.name
        for found in sorted(place.iterdir())
        if found.name not in kept and _is_ours(found.name) and _changed(found) <= limit
    ]


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
