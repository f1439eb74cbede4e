"""Versions of which one is current: a new one is complete before anyone is pointed to it. On a disk, or in S3.

``<place>/<version>/<file>``, and ``<place>/current.json``, written last, which names the version that readers use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from dataflow.s3.place import S3Place
from dataflow.warehouse.versions import bucket, folder
from dataflow.warehouse.versions.version import CURRENT, KEPT, VERSION, Draft, May, StoredFile

__all__ = ["CURRENT", "KEPT", "VERSION", "Draft", "StoredFile", "Versions", "places_below", "versions_at"]


class Versions(Protocol):
    """All versions of one place."""

    def new(self, scratch: Path) -> AbstractContextManager[Draft]:
        """Give a draft to write to; when the block ends it is whole and durable, under its name, and nobody's yet.

        Where the block raises, nothing stays; where the process is killed, what stays is unseen until it is swept.

        Args:
            scratch: Where a draft may lie that is not written in its place.
        """

    def take(self, file: Path, draft: Draft, name: str) -> None:
        """Put a file of this machine into a draft; it stays what it is."""

    def current(self) -> dict[str, Any] | None:
        """Give what `point_to` wrote last; None where it never did."""

    def point_to(self, content: Mapping[str, Any], *, may: May, kept: timedelta = KEPT) -> bool:
        """Point readers to the version that ``content["version"]`` names, in one step that is durable when it returns.

        Args:
            content: What readers find.
            may: Asked about what readers find now; where it says no, False is given and nothing changes.
            kept: How long readers may go on with what they left.
        """

    def fetch(self, version: str, name: str, *, into: Path, expected: StoredFile | None) -> Path:
        """Give a file of this machine with that content: itself, or a copy in that folder, compared with ``expected``.

        Raises:
            FileNotFoundError: when it is not there (any more).
            TransientError: when the store did not give it, or something else, this time.
        """

    def drop(self, version: str) -> None:
        """Delete a version that nobody was pointed to."""

    def old(self, *, keep: str | None, older_than: timedelta = KEPT) -> list[str]:
        """Give the names of what `sweep` deletes."""

    def sweep(self, *, keep: str | None, older_than: timedelta = KEPT) -> list[str]:
        """Delete what has not been current for that long, never the current version nor the one to keep."""


def versions_at(place: Path | S3Place) -> Versions:
    """Give the versions of a place."""
    return folder.FolderVersions(place) if isinstance(place, Path) else bucket.BucketVersions(place)


def places_below(top: Path | S3Place) -> Iterator[tuple[str, Versions]]:
    """Give each name below which there are versions, and those, by name."""
    names = folder.names_below(top) if isinstance(top, Path) else bucket.names_below(top)
    for name in names:
        yield name, versions_at(top / name)
