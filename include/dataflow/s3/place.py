"""A place in a bucket, as settings and configs write it: ``s3://connection@bucket/key``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

__all__ = ["SCHEME", "S3Place", "is_place", "is_s3"]

SCHEME = "s3://"
_FORM = re.compile(r"s3://(?:(?P<connection>[A-Za-z0-9_.-]+)@)?(?P<bucket>[a-z0-9][a-z0-9.-]{1,62})(?:/(?P<key>.*))?")


@dataclass(frozen=True, slots=True)
class S3Place:
    """An object, or all objects whose keys begin with it and a ``/``."""

    connection: str
    """The id of an Airflow connection; empty for the credentials that the machine itself has."""
    bucket: str
    key: str = ""
    """Without ``/`` at either end; empty for the whole bucket."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``s3://connection@bucket/key``.

        Raises:
            ValueError: when it is no such place; the text says what one looks like.
        """
        form = _FORM.fullmatch(text)
        if form is None:
            raise ValueError(f"{text} is no place in S3; write s3://connection@bucket/folder")
        return cls(form["connection"] or "", form["bucket"], (form["key"] or "").strip("/"))

    def __str__(self) -> str:
        connection = f"{self.connection}@" if self.connection else ""
        return f"{SCHEME}{connection}{self.bucket}/{self.key}".rstrip("/")

    def __truediv__(self, name: str) -> S3Place:
        """Give the place of that name below this one, as `Path` does."""
        return self.at(f"{self.key}/{name}" if self.key else name)

    def at(self, key: str) -> S3Place:
        """Give another place of the same bucket."""
        return replace(self, key=key)


def is_place(text: str) -> bool:
    """Tell whether `S3Place.parse` takes the text."""
    return _FORM.fullmatch(text) is not None


def is_s3(text: object) -> bool:
    """Tell whether a text means a place in S3, well written or not."""
    return str(text).startswith(SCHEME)
