"""A further copy of a snapshot, where others read it who have no way to our disk: in S3, or in any other folder.

It is laid out like snapshots: ``<to>/<version>/<table>.parquet``, and ``<to>/current.json``, written last, which names
the files that are current. A reader that follows it never sees half of a version, nor an older one after a newer.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataflow.duckdb_memory import NO_ROOM
from dataflow.errors import FatalError, OutOfRoom, TransientError
from dataflow.s3 import objects
from dataflow.s3.errors import PreconditionFailed
from dataflow.s3.place import S3Place, is_s3
from dataflow.settings import Settings
from dataflow.warehouse.snapshot import Snapshot, current_snapshot
from dataflow.warehouse.versions import (
    CURRENT,
    KEPT,
    VERSION,
    new_version,
    read_current,
    swap_current,
    version_of,
)

__all__ = ["copy_snapshot"]

TURNS = 20
"""How often somebody else may point readers elsewhere while we try to."""
LOCK = ".lock"


def copy_snapshot(settings: Settings, snapshot: Snapshot, to: str, *, log: logging.Logger) -> bool:
    """Copy the Parquet files of a snapshot and point readers there; False where a newer snapshot is there meanwhile.

    Raises:
        FatalError: when the place is none, or another workflow's.
        TransientError: when the store did not answer.
    """

    def is_newest() -> bool:
        newest = current_snapshot(settings, snapshot.workflow)
        return newest is not None and newest.version == snapshot.version

    if is_s3(to):
        try:
            place = S3Place.parse(to)
        except ValueError as error:
            raise FatalError(f"publish.to: {error}") from None
        pointed = _to_bucket(snapshot, place, is_newest=is_newest)
    elif Path(to).is_absolute():
        pointed = _to_folder(snapshot, Path(to), is_newest=is_newest)
    else:
        raise FatalError(
            f"publish.to: {to} is no absolute path; write it from the root, or s3://connection@bucket/folder"
        )
    if pointed:
        log.info("copied %d tables to %s", len(snapshot.tables), to)
    else:
        log.info("not copied to %s: a newer run published since", to)
    return pointed


def _to_bucket(snapshot: Snapshot, place: S3Place, *, is_newest: Callable[[], bool]) -> bool:
    pointer = place / CURRENT
    _require_own(_content(objects.read(pointer)), snapshot, place)
    tables = {}
    for name in snapshot.tables:
        file = snapshot.parquet(name)
        tables[name] = _described(snapshot, name, version=snapshot.version)
        objects.put_file(place / str(tables[name]["path"]), file, sha256=tables[name]["sha256"])
    for _ in range(TURNS):
        # The tag is older than the look at our own snapshots: who pointed readers elsewhere since, has changed it.
        content, tag = objects.read_tagged(pointer)
        found = _content(content)
        _require_own(found, snapshot, place)
        before, left = found.get("version"), found.get("left", {})
        if before != snapshot.version:  # else an answer was lost: it was us
            if not is_newest():
                return False
            left = _left_since(found)
            pointing = {**_pointing(snapshot, snapshot.version, tables), "left": left}
            try:
                objects.put_bytes(pointer, json.dumps(pointing, indent=1).encode(), tag=tag)
            except PreconditionFailed:
                continue
        _sweep_bucket(place, keep={snapshot.version, str(before)}, left=left)
        return True
    raise TransientError(f"{pointer}: written by others {TURNS} times while we tried to")


def _to_folder(snapshot: Snapshot, place: Path, *, is_newest: Callable[[], bool]) -> bool:
    try:
        place.mkdir(parents=True, exist_ok=True)
        _require_own(read_current(place) or {}, snapshot, place)
        with new_version(place) as folder:
            for name in snapshot.tables:
                shutil.copyfile(snapshot.parquet(name), folder / f"{name}.parquet")
        version = version_of(folder)
        tables = {name: _described(snapshot, name, version=version) for name in snapshot.tables}
        with _alone(place):
            before = read_current(place) or {}
            _require_own(before, snapshot, place)
            if not is_newest():
                shutil.rmtree(place / version, ignore_errors=True)
                return False
            swap_current(place, _pointing(snapshot, version, tables))
            _sweep_folder(place, keep={version, str(before.get("version"))})
    except OSError as error:
        kind = OutOfRoom if error.errno in NO_ROOM else TransientError
        raise kind(f"publish.to: {place}: {error.strerror}; see whether the disk is there and has room") from None
    return True


def _pointing(snapshot: Snapshot, version: str, tables: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "workflow": snapshot.workflow,
        "version": version,
        "run_id": snapshot.run_id,
        "published_at": datetime.now(UTC).isoformat(),
        "tables": dict(tables),
    }


def _described(snapshot: Snapshot, table: str, *, version: str) -> dict[str, Any]:
    file = snapshot.parquet(table)
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    return {
        "path": f"{version}/{table}.parquet",
        "rows": snapshot.tables[table],
        "bytes": file.stat().st_size,
        "sha256": sha256,
        "columns": snapshot.columns[table],
    }


def _content(text: bytes | None) -> dict[str, Any]:
    try:
        return dict(json.loads(text)) if text else {}
    except ValueError:
        return {"workflow": "something that is not ours"}


def _require_own(found: Mapping[str, Any], snapshot: Snapshot, place: S3Place | Path) -> None:
    """See that no other workflow publishes there: readers would see now one, now the other."""
    owner = found.get("workflow", snapshot.workflow)
    if owner != snapshot.workflow:
        raise FatalError(f"publish.to: {place} holds what {owner} publishes; give each workflow a folder of its own")


def _left_since(found: Mapping[str, Any]) -> dict[str, str]:
    """Give when readers were pointed away from each version, the one that is current among them: it is left now.

    An object in S3 has no time that can be set, so ``current.json`` keeps it, as long as a reader may be there.
    """
    moment = datetime.now(UTC)
    left = {name: since for name, since in found.get("left", {}).items() if _since(since) > moment - KEPT}
    return left | ({str(found["version"]): moment.isoformat()} if "version" in found else {})


def _since(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _sweep_bucket(place: S3Place, *, keep: set[str], left: Mapping[str, str]) -> None:
    """Delete versions that readers left longer ago than one may go on with them, and those that nobody ever saw."""
    limit = datetime.now(UTC) - KEPT
    skipped = len(place.key) + 1 if place.key else 0
    old = [
        found.place
        for found in objects.list_below(place)
        if (version := found.place.key[skipped:].partition("/")[0]) not in keep
        and VERSION.fullmatch(version)
        and (_since(left[version]) if version in left else found.written) < limit
    ]
    objects.delete(old)


def _sweep_folder(place: Path, *, keep: set[str]) -> None:
    """Do the same in a folder; what does not look like a version is not ours."""
    limit = (datetime.now(UTC) - KEPT).timestamp()
    for found in place.iterdir():
        if found.name not in keep and VERSION.fullmatch(found.name) and found.stat().st_mtime < limit:
            shutil.rmtree(found, ignore_errors=True)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Wait until no other process points readers there."""
    with (place / LOCK).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
