"""A further copy of a snapshot, where others read it who have no way to our own: in S3, or in any other folder.

It is laid out like snapshots: ``<to>/<version>/<table>.parquet``, and ``<to>/current.json``, written last, which names
the files that are current. A reader that follows it never sees half of a version, nor an older one after a newer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataflow.duckdb_memory import NO_ROOM
from dataflow.errors import FatalError, OutOfRoom, TransientError
from dataflow.s3.place import S3Place, is_s3
from dataflow.settings import Settings
from dataflow.warehouse.snapshot import Snapshot, current_snapshot
from dataflow.warehouse.versions import KEPT, Draft, Versions, versions_at

__all__ = ["copy_snapshot"]


def copy_snapshot(settings: Settings, snapshot: Snapshot, to: str, *, log: logging.Logger) -> bool:
    """Copy the Parquet files of a snapshot and point readers there; False where a newer snapshot is there meanwhile.

    Raises:
        FatalError: when the place is none, or another workflow's.
        TransientError: when the store did not answer.
    """

    def may(found: Mapping[str, Any]) -> bool:
        _require_own(found, snapshot, place)
        newest = current_snapshot(settings, snapshot.workflow)
        return newest is not None and newest.version == snapshot.version

    place = _place(to)
    versions = versions_at(place)
    with _errors_of_a_disk(place):
        before = versions.current() or {}
        _require_own(before, snapshot, place)
        draft = _copied(versions, snapshot, settings.scratch)
        pointed = versions.point_to(_content(snapshot, draft), may=may, kept=KEPT)
        if pointed:
            versions.sweep(keep=before.get("version"), older_than=KEPT)
            log.info("copied %d tables to %s", len(snapshot.tables), to)
        else:
            versions.drop(draft.version)
            log.info("not copied to %s: a newer run published since", to)
    return pointed


def _place(to: str) -> Path | S3Place:
    if is_s3(to):
        try:
            return S3Place.parse(to)
        except ValueError as error:
            raise FatalError(f"publish.to: {error}") from None
    if not Path(to).is_absolute():
        raise FatalError(
            f"publish.to: {to} is no absolute path; write it from the root, or s3://connection@bucket/folder"
        )
    return Path(to)


def _copied(versions: Versions, snapshot: Snapshot, scratch: Path) -> Draft:
    with versions.new(scratch) as draft:
        for table in snapshot.tables:
            file = snapshot.fetch(table, into=draft.folder)
            if file.parent != draft.folder:
                versions.take(file, draft, file.name)
    return draft


def _content(snapshot: Snapshot, draft: Draft) -> dict[str, Any]:
    """Give what readers find; its keys are told in docs/operations.md."""
    tables = {}
    for table, rows in snapshot.tables.items():
        name = f"{table}.parquet"
        stored = draft.files[name]
        tables[table] = {
            "path": f"{draft.version}/{name}",
            "rows": rows,
            "bytes": stored.bytes,
            "sha256": stored.sha256,
            "columns": snapshot.columns[table],
        }
    return {
        "workflow": snapshot.workflow,
        "version": draft.version,
        "run_id": snapshot.run_id,
        "published_at": datetime.now(UTC).isoformat(),
        "tables": tables,
    }


def _require_own(found: Mapping[str, Any], snapshot: Snapshot, place: S3Place | Path) -> None:
    """See that no other workflow publishes there: readers would see now one, now the other."""
    owner = found.get("workflow", snapshot.workflow)
    if owner != snapshot.workflow:
        raise FatalError(f"publish.to: {place} holds what {owner} publishes; give each workflow a folder of its own")


@contextmanager
def _errors_of_a_disk(place: S3Place | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = OutOfRoom if error.errno in NO_ROOM else TransientError
        raise kind(f"publish.to: {place}: {error.strerror}; see whether the disk is there and has room") from None
