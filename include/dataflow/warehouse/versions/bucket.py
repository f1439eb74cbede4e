"""Versions in S3. A draft is written on this machine and goes up whole; who is current is decided by `If-Match`."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from dataflow.errors import StepError, TransientError
from dataflow.s3 import objects
from dataflow.s3.errors import ConditionUnknown, NotFound, PreconditionFailed
from dataflow.s3.place import S3Place
from dataflow.warehouse.versions.folder import stored_file
from dataflow.warehouse.versions.version import CURRENT, KEPT, VERSION, Draft, May, StoredFile, content_of, new_name

__all__ = ["BucketVersions", "names_below"]

TURNS = 20
"""How often somebody else may point readers elsewhere while we try to."""


@dataclass(frozen=True, slots=True)
class BucketVersions:
    """The versions below one place of a bucket."""

    place: S3Place

    @contextmanager
    def new(self, scratch: Path) -> Iterator[Draft]:
        """Write in the scratch folder, then upload; each file's hash is compared by the store."""
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="version-", dir=scratch) as folder:
            draft = Draft(new_name(), Path(folder))
            yield draft
            try:
                for file in sorted(draft.folder.iterdir()):
                    stored = stored_file(file)
                    objects.put_file(self._file(draft.version, file.name), file, sha256=stored.sha256)
                    draft.files[file.name] = stored
            except BaseException:
                self.drop(draft.version)
                raise

    def take(self, file: Path, draft: Draft, name: str) -> None:
        """Link it where that is possible: the draft is only there to be read once."""
        try:
            os.link(file, draft.folder / name)
        except OSError:
            shutil.copyfile(file, draft.folder / name)

    def current(self) -> dict[str, Any] | None:
        """Read ``current.json``."""
        pointer = self.place / CURRENT
        return content_of(objects.read(pointer), pointer)

    def point_to(self, content: Mapping[str, Any], *, may: May, kept: timedelta = KEPT) -> bool:
        """Write ``current.json`` if it is still what ``may`` was asked about; else look again."""
        pointer = self.place / CURRENT
        for _ in range(TURNS):
            # The tag is older than what `may` looks at: who points readers elsewhere meanwhile changes it.
            text, tag = objects.read_tagged(pointer)
            found = content_of(text, pointer) or {}
            if found.get("version") == content["version"]:
                return True  # an answer was lost: it was us
            if not may(found):
                return False
            pointing = {**content, "left": _left_since(found, kept)}
            try:
                objects.put_bytes(pointer, json.dumps(pointing, indent=1).encode(), tag=tag)
            except PreconditionFailed:
                continue
            except ConditionUnknown:  # then only turns keep writers apart
                objects.put_bytes(pointer, json.dumps(pointing, indent=1).encode())
            return True
        raise TransientError(f"{pointer}: written by others {TURNS} times while we tried to")

    def fetch(self, version: str, name: str, *, into: Path, expected: StoredFile | None) -> Path:
        """Copy the object into the folder."""
        into.mkdir(parents=True, exist_ok=True)
        place = self._file(version, name)
        try:
            found = StoredFile(*objects.fetch(place, into / name))
        except NotFound:
            raise FileNotFoundError(2, "there is no such object", str(place)) from None
        if expected is not None and found != expected:
            raise TransientError(f"{place}: came with {found.bytes} bytes that are not those that were published")
        return into / name

    def drop(self, version: str) -> None:
        """Delete its objects; what cannot be deleted stays for the sweep."""
        with suppress(StepError):
            objects.delete([found.place for found in objects.list_below(self.place / version)])

    def old(self, *, keep: str | None, older_than: timedelta = KEPT) -> list[str]:
        """Judge by when ``current.json`` says that a version was left; one that never was current, by its objects."""
        return sorted(self._old(keep=keep, older_than=older_than))

    def sweep(self, *, keep: str | None, older_than: timedelta = KEPT) -> list[str]:
        """Delete the objects of versions."""
        old = self._old(keep=keep, older_than=older_than)
        objects.delete(place for places in old.values() for place in places)
        return sorted(old)

    def _old(self, *, keep: str | None, older_than: timedelta) -> dict[str, list[S3Place]]:
        current = self.current() or {}
        kept = {keep, current.get("version")}
        left: Mapping[str, str] = current.get("left", {})
        limit = datetime.now(UTC) - older_than
        skipped = len(self.place.key) + 1 if self.place.key else 0
        found: dict[str, list[S3Place]] = {}
        for each in objects.list_below(self.place):
            version = each.place.key[skipped:].partition("/")[0]
            if version in kept or not VERSION.fullmatch(version):
                continue
            if (datetime.fromisoformat(left[version]) if version in left else each.written) < limit:
                found.setdefault(version, []).append(each.place)
        return found

    def _file(self, version: str, name: str) -> S3Place:
        return self.place / version / name


def names_below(top: S3Place) -> list[str]:
    """Give the names below which something is current, a listing of all objects."""
    skipped = len(top.key) + 1 if top.key else 0
    keys = (found.place.key[skipped:] for found in objects.list_below(top))
    return [name for name, below in groupby(keys, lambda key: key.partition("/")[0]) if f"{name}/{CURRENT}" in below]


def _left_since(found: Mapping[str, Any], kept: timedelta) -> dict[str, str]:
    """Give when readers were pointed away from each version, the one that is current among them: it is left now.

    An object in S3 has no time that can be set, so ``current.json`` keeps it, as long as a reader may be there.
    """
    moment = datetime.now(UTC)
    left = {name: since for name, since in found.get("left", {}).items() if _since(since) > moment - kept}
    return left | ({str(found["version"]): moment.isoformat()} if "version" in found else {})


def _since(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
