"""Which files lie at a place now, each with its version: another one when the file was rewritten."""

from __future__ import annotations

import glob
from pathlib import Path

from dataflow.s3.matching import matching
from dataflow.s3.place import S3Place
from dataflow.spec.waiting import bucket_of

__all__ = ["is_settled_when_seen", "versions_at"]


def versions_at(pattern: str) -> dict[str, str]:
    """Give the version of every file that an absolute path, a glob or ``s3://connection@bucket/key`` names.

    ``*`` and ``?`` stay within a folder, ``**`` does not.

    Raises:
        OSError: when the place cannot be looked at.
        StepError: when nobody knows the connection, or the store does not answer.
    """
    bucket = bucket_of(pattern)
    return _objects(bucket) if bucket is not None else _files(pattern)


def is_settled_when_seen(pattern: str) -> bool:
    """Tell whether a file that is there is whole: an object of a bucket is, a file may still be written."""
    return bucket_of(pattern) is not None


def _files(pattern: str) -> dict[str, str]:
    found = {}
    for name in glob.glob(pattern, recursive=True):  # noqa: PTH207  # Path.glob takes no absolute pattern
        try:
            status = Path(name).stat()
        except FileNotFoundError:
            continue  # gone since
        if Path(name).is_file():
            found[name] = f"{status.st_mtime_ns}-{status.st_size}"
    return found


def _objects(place: S3Place) -> dict[str, str]:
    return {
        f"s3://{found.place.bucket}/{found.place.key}": f"{found.written.timestamp():.0f}-{found.tag}"
        for found in matching(place)
    }
