"""The landing's files in S3. A folder is what keys have in common; drafts are written on this machine first."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from dataflow.errors import StepError, TransientError
from dataflow.landing.files.folder import Folder
from dataflow.s3 import objects
from dataflow.s3.errors import ConditionUnknown, NotFound, PreconditionFailed
from dataflow.s3.place import S3Place

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

TURNS = 20
"""How often somebody else may write an object while we try to."""


def create_folder(folder: str) -> None:
    """Do nothing: a folder is there as soon as something is in it."""


def delete_folder(folder: str) -> None:
    """Delete all objects below it; what cannot be deleted stays for the sweep."""
    with contextlib.suppress(StepError):
        objects.delete([found.place for found in objects.list_below(S3Place.parse(folder))])


@contextlib.contextmanager
def drafts(folder: str, scratch: Path) -> Iterator[Path]:  # noqa: ARG001  # the other kind of place asks
    """Give a folder of its own on this machine, gone afterwards."""
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="landing-", dir=scratch) as drafted:
        yield Path(drafted)


def fingerprint(name: str) -> tuple[int, str]:
    """Read the object through."""
    with _as_on_disk():
        return objects.digest(S3Place.parse(name))


def fetch(name: str, into: Path) -> tuple[Path, int, str]:
    """Copy the object into the folder."""
    into.mkdir(parents=True, exist_ok=True)
    target = into / name.rpartition("/")[2]
    with _as_on_disk():
        return target, *objects.fetch(S3Place.parse(name), target)


def put(draft: Path, name: str, *, sha256: str) -> None:
    """Upload the draft whole."""
    objects.put_file(S3Place.parse(name), draft, sha256=sha256)
    draft.unlink()


def replace(name: str, content: bytes) -> None:
    """Put a small object; S3 shows the old one or the new."""
    objects.put_bytes(S3Place.parse(name), content)


def replace_if(name: str, content: bytes, *, may: Callable[[], bool]) -> bool:
    """Put a small object over the one that ``may`` was asked about."""
    place = S3Place.parse(name)
    for _ in range(TURNS):
        # The tag is older than what `may` looks at: whoever writes meanwhile changes it.
        found, tag = objects.read_tagged(place)
        if found == content:
            return True  # an answer was lost: it was us
        if not may():
            return False
        try:
            objects.put_bytes(place, content, tag=tag)
        except PreconditionFailed:
            continue
        except ConditionUnknown:
            objects.put_bytes(place, content)
            may()
        return True
    raise TransientError(f"{place}: written by others {TURNS} times while we tried to")


def read(name: str) -> bytes | None:
    """Give an object's content, None where there is none."""
    return objects.read(S3Place.parse(name))


def delete(*names: str) -> None:
    """Delete the objects that are there."""
    objects.delete(S3Place.parse(name) for name in names)


def delete_empty(folder: str) -> None:
    """Do nothing: a folder is gone with the last thing in it."""


def walk(landing: str) -> Iterator[Folder]:
    """Give each folder that an object lies in, the deepest first, one workflow after the other."""
    top = S3Place.parse(landing)
    skipped = len(top.key) + 1 if top.key else 0
    listed = ((found.place.key[skipped:], found) for found in objects.list_below(top))
    # Keys come in order, so a workflow's come together; what is kept at once is one workflow's.
    for _, found in groupby(listed, key=lambda each: each[0].partition("/")[0]):
        folders: dict[str, dict[str, float]] = {}
        for key, each in found:
            folder, _, name = key.rpartition("/")
            folders.setdefault(folder, {})[name] = each.written.timestamp()
        for folder, names in sorted(folders.items(), key=lambda each: -each[0].count("/")):
            if folder:
                yield Folder(f"{landing}/{folder}", folder.count("/") + 1, tuple(names), max(names.values()))


@contextlib.contextmanager
def _as_on_disk() -> Iterator[None]:
    try:
        yield
    except NotFound:
        raise FileNotFoundError(2, "there is no such object") from None
