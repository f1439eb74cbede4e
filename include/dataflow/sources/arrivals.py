"""Which files lie at a place now, each with its version: another one when the file was rewritten."""

from __future__ import annotations

import fnmatch
import glob
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataflow.connections import Connection, find_connection
from dataflow.spec.waiting import Bucket, bucket_of

__all__ = ["is_settled_when_seen", "versions_at"]


def versions_at(pattern: str) -> dict[str, str]:
    """Give the version of every file that an absolute path, a glob or ``s3://connection@bucket/key`` names.

    ``*`` and ``?`` stay within a folder, ``**`` does not.

    Raises:
        OSError: when the place cannot be looked at.
        FatalError: when nobody knows the connection.
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


def _objects(bucket: Bucket) -> dict[str, str]:
    matches = _pattern_of(bucket.key)
    fixed = re.split(r"[*?\[]", bucket.key, maxsplit=1)[0]
    pages = _client(bucket.connection).get_paginator("list_objects_v2").paginate(Bucket=bucket.bucket, Prefix=fixed)
    return {
        f"s3://{bucket.bucket}/{each['Key']}": f"{each['LastModified'].timestamp():.0f}-{each['ETag'].strip(chr(34))}"
        for page in pages
        for each in page.get("Contents", ())
        if matches.fullmatch(each["Key"]) and not each["Key"].endswith("/")
    }


def _pattern_of(key: str) -> re.Pattern[str]:
    """Read a glob as the local file system does, for the keys of a bucket."""
    wild = {"**/": r"(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]/]+\])", key)
    return re.compile("".join(wild.get(part) or _set_of(part) for part in parts))


def _set_of(part: str) -> str:
    # Of a pattern that is one set, what stands between fnmatch's ``(?s:`` and ``)\\Z``.
    return fnmatch.translate(part)[4:-3] if part.startswith("[") and part.endswith("]") else re.escape(part)


def _client(connection_id: str | None) -> Any:
    import boto3

    return boto3.client("s3", **(_arguments(find_connection(connection_id)) if connection_id else {}))


def _arguments(connection: Connection) -> Mapping[str, Any]:
    given = {
        "aws_access_key_id": connection.login,
        "aws_secret_access_key": connection.password,
        "aws_session_token": connection.extra.get("aws_session_token"),
        "region_name": connection.extra.get("region_name"),
        "endpoint_url": connection.extra.get("endpoint_url"),
    }
    return {name: value for name, value in given.items() if value}
