"""Objects put, fetched, listed and deleted. An object appears whole or not at all: S3 sees to that."""

from __future__ import annotations

import base64
import hashlib
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from dataflow.errors import FatalError, TransientError
from dataflow.named_files import named_file
from dataflow.s3.client import client_of
from dataflow.s3.errors import NotFound, told_of
from dataflow.s3.place import S3Place

__all__ = [
    "NEW",
    "StoredObject",
    "delete",
    "digest",
    "exists",
    "fetch",
    "list_below",
    "put_bytes",
    "put_file",
    "read",
    "read_tagged",
]

NEW = ""
"""The tag of an object that is not there yet; see `put_bytes`."""
CHUNK = 1 << 20
WHOLE = 1 << 30
"""Bytes; a larger file goes up in pieces, which S3 shows only when the last one is there."""
FETCHES = 5
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as a listing has it."""

    place: S3Place
    bytes: int
    written: datetime
    tag: str
    """Another one when its content is."""


def put_file(place: S3Place, file: Path, *, sha256: str) -> None:
    """Upload a file; the store compares what came with the hash of what was meant.

    Raises:
        StepError: when it did not go; then nothing is there.
    """
    with told_of(place):
        client = client_of(place.connection)
        if file.stat().st_size > WHOLE:
            client.upload_file(str(file), place.bucket, place.key, ExtraArgs={"ChecksumAlgorithm": "SHA256"})
            return
        with file.open("rb") as body:
            client.put_object(Bucket=place.bucket, Key=place.key, Body=body, ChecksumSHA256=_base64_of_hex(sha256))


def put_bytes(place: S3Place, content: bytes, *, tag: str | None = None) -> None:
    """Write a small object in one step.

    Args:
        place: Where.
        content: What.
        tag: Write only while the object still has the tag that `read_tagged` gave, which for one that was not there is
            `NEW`; None to write whatever is there.

    Raises:
        PreconditionFailed: when somebody wrote it in between.
        ConditionUnknown: when the store knows no conditions.
    """
    condition = {} if tag is None else {"IfNoneMatch": "*"} if tag == NEW else {"IfMatch": tag}
    sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
    with told_of(place):
        client_of(place.connection).put_object(
            Bucket=place.bucket, Key=place.key, Body=content, ChecksumSHA256=sha256, **condition
        )


def read(place: S3Place) -> bytes | None:
    """Give a small object's content, None where there is none."""
    return read_tagged(place)[0]


def read_tagged(place: S3Place) -> tuple[bytes | None, str]:
    """Give a small object's content and the tag that changes with it."""
    content: list[bytes] = []
    try:
        answer = _stream(place, content.clear, content.append)
    except NotFound:
        return None, NEW
    return b"".join(content), str(answer["ETag"])


def fetch(place: S3Place, target: Path) -> tuple[int, str]:
    """Copy an object to a file, and give its bytes and their sha256.

    Raises:
        NotFound: when there is none.
        TransientError: when it could not be read whole in several tries.
    """
    with named_file(target), target.open("wb") as file:
        return _through(place, file)


def digest(place: S3Place) -> tuple[int, str]:
    """Read an object through, and give its bytes and their sha256.

    Raises:
        NotFound, TransientError: as `fetch`.
    """
    return _through(place, None)


def exists(place: S3Place) -> bool:
    """Tell whether there is an object of exactly this name."""
    try:
        with told_of(place):
            client_of(place.connection).head_object(Bucket=place.bucket, Key=place.key)
    except NotFound:
        return False
    return True


def list_below(place: S3Place, *, begins: str | None = None) -> Iterator[StoredObject]:
    """Give every object below a place, by name.

    Args:
        place: The folder.
        begins: How the keys begin, where that is not the folder; never with a ``/`` of its own.
    """
    prefix = begins if begins is not None else f"{place.key}/" if place.key else ""
    with told_of(place):
        pages = client_of(place.connection).get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=place.bucket, Prefix=prefix, PaginationConfig={"PageSize": PAGE}):
            for found in page.get("Contents", ()):
                yield StoredObject(
                    place.at(found["Key"]), int(found["Size"]), found["LastModified"], found["ETag"].strip('"')
                )


def delete(places: Iterable[S3Place]) -> None:
    """Delete objects, if they are there; all of one bucket."""
    left = list(places)
    while left:
        now, left = left[:PAGE], left[PAGE:]
        with told_of(now[0]):
            answer = client_of(now[0].connection).delete_objects(
                Bucket=now[0].bucket, Delete={"Objects": [{"Key": place.key} for place in now], "Quiet": True}
            )
        for refused in answer.get("Errors", ()):
            raise FatalError(f"{now[0].at(refused['Key'])}: {refused.get('Code')}: {refused.get('Message')}")


def _through(place: S3Place, file: BinaryIO | None) -> tuple[int, str]:
    hashed, size = hashlib.sha256(), 0

    def again() -> None:
        nonlocal hashed, size
        hashed, size = hashlib.sha256(), 0
        if file is not None:
            file.seek(0)
            file.truncate()

    def take(chunk: bytes) -> None:
        nonlocal size
        hashed.update(chunk)
        size += len(chunk)
        if file is not None:
            file.write(chunk)

    _stream(place, again, take)
    return size, hashed.hexdigest()


def _stream(place: S3Place, again: Callable[[], None], take: Callable[[bytes], None]) -> Any:
    """Hand on an object's content piece by piece; begin again where the connection broke off, which no client does."""
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    for number in range(FETCHES):
        again()
        with told_of(place):
            answer = client_of(place.connection).get_object(Bucket=place.bucket, Key=place.key)
        try:
            for chunk in answer["Body"].iter_chunks(CHUNK):
                take(chunk)
        except (HTTPClientError, IncompleteReadError) as error:
            broke = error
        else:
            return answer
        time.sleep(random.uniform(0.2, 0.6) * 2**number)  # noqa: S311  # spreads those who come again
    raise TransientError(f"{place}: broke off {FETCHES} times while it was read ({type(broke).__name__}: {broke})")


def _base64_of_hex(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
