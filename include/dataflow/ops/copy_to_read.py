"""Reading a SQLite file that others may write and this user may not."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dataflow.errors import TransientError

__all__ = ["can_be_read_in_place", "copy_to_read"]

PATIENCE_SECONDS = 30
LOOK_SECONDS = 0.1


def can_be_read_in_place(file: Path) -> bool:
    """Tell whether SQLite can read the file where it lies.

    In write-ahead mode even readers write: they make ``-shm`` beside the file, unless whoever has it open made it.
    """
    return os.access(file.parent, os.W_OK) or _beside(file, "-shm").exists()


@contextmanager
def copy_to_read(file: Path) -> Iterator[Path]:
    """Give a copy of a file that nobody had open; it is gone afterwards.

    Raises:
        TransientError: when it was written all the time.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    with TemporaryDirectory(prefix="dataflow-history-") as folder:
        copy = Path(folder, file.name)
        while True:
            before = _state(file)
            shutil.copyfile(file, copy)
            if (newest := _beside(file, "-wal")).exists():  # left by a writer that was killed
                shutil.copyfile(newest, _beside(copy, "-wal"))
            if before == _state(file):  # else somebody wrote meanwhile, and the copy may be half old, half new
                break
            if time.monotonic() > deadline:
                raise TransientError(f"{file} is being written all the time; try again")
            time.sleep(LOOK_SECONDS)
        yield copy


def _state(file: Path) -> list[tuple[int, int, int]]:
    """Give what is another once the file, or what is to come into it, was written."""
    there = [each.stat() for each in (file, _beside(file, "-wal")) if each.exists()]
    return [(said.st_ino, said.st_mtime_ns, said.st_size) for said in there]


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)
