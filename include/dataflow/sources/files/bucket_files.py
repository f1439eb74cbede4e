"""Files of a source in S3, copied to this machine, where the same readers read them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from dataflow.errors import ContractError
from dataflow.s3 import objects
from dataflow.s3.errors import NotFound
from dataflow.s3.matching import matching
from dataflow.s3.place import S3Place
from dataflow.sources.reading import SourceFile
from dataflow.sources.so_far import SoFar

__all__ = ["fetch_files"]

AT_ONCE = 8


def fetch_files(path: str, scratch: Path, *, connection: str | None, so_far: SoFar) -> list[SourceFile]:
    """Copy the files that ``s3://connection@bucket/pattern`` names, in the order of their names; messages call them so.

    Args:
        path: Where they are; its last part, or any, may be a pattern.
        scratch: Where the copies lie.
        connection: Reaches the bucket, where the path names no connection itself.
        so_far: Told of every file.

    Raises:
        ContractError: when there is none.
        TransientError: when the store did not answer.
    """
    try:
        place = S3Place.parse(path)
    except ValueError as error:
        raise ContractError(str(error)) from None
    place = replace(place, connection=place.connection or connection or "")
    found = [each.place for each in matching(place)]
    if not found:
        raise ContractError(f"no file {place}; put it there, or correct the source's `path`")
    folder = scratch / "fetched"
    folder.mkdir()

    def fetch(numbered: tuple[int, S3Place]) -> SourceFile:
        number, each = numbered
        target = folder / f"{number:06}-{each.key.rpartition('/')[2]}"
        try:
            objects.fetch(each, target)
        except NotFound:
            raise ContractError(f"{each}: deleted while it was about to be read; run this again") from None
        so_far.add(files=1, size=target.stat().st_size)
        return SourceFile(target, str(each))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        fetched = list(pool.map(fetch, enumerate(found)))
    so_far.log.info("%s: fetched %s", so_far.shown, so_far)
    return fetched
