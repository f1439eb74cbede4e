"""The file elsewhere that a new workflow begins with: in S3 or behind an address of the web."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from dataflow.errors import InputError
from dataflow.s3.place import S3Place, is_s3
from dataflow.scaffold.sample_file import FORMATS

__all__ = ["FileUrl", "is_elsewhere", "read_file_url"]


@dataclass(frozen=True, slots=True)
class FileUrl:
    """Where a file is."""

    address: str
    stem: str
    """Of its name, which names the table."""
    format: str
    ending: str


def is_elsewhere(text: str) -> bool:
    """Tell whether a text is no path of this machine."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def read_file_url(text: str) -> FileUrl:
    """Read ``s3://connection@bucket/key.csv`` or ``https://host/file.csv``.

    Raises:
        InputError: when it is neither, holds a login, or its ending says no format.
    """
    form = "write s3://connection@bucket/folder/file.csv or https://host/file.csv"
    if is_s3(text):
        try:
            S3Place.parse(text)
        except ValueError as error:
            raise InputError(f"--url: {error}") from None
    elif not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+/[^\s\"<>]*", text):
        raise InputError(f"--url: no file's address, or one with a login; {form}")
    if re.search(r"[{}$\s\"]", text):
        raise InputError(f"--url {text}: an address without braces, $ and blanks; {form}")
    name = PurePosixPath(urlsplit(text.replace("#", "%23")).path).name
    bare = name.removesuffix(".gz")
    ending = PurePosixPath(bare).suffix.lower()
    if ending not in FORMATS:
        raise InputError(f"--url {text}: which format is that? A name ends in {', '.join(FORMATS)}, maybe .gz")
    return FileUrl(text, bare.partition(".")[0].replace("*", ""), FORMATS[ending], ending)
