"""Errors of writing, which Python raises without a name: they say which file it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["named_file"]


@contextmanager
def named_file(path: Path | str) -> Iterator[None]:
    """Let an OSError of the block name the file, where it names none: one of `write`, `fsync` or a copy does not."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
