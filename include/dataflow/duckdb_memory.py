"""How much memory a database of DuckDB's may take, and what it means that it, or the disk behind it, did not suffice.

A query that needs more writes to the database's temporary folder, so that the memory of a task does not grow with its
rows. Without a bound DuckDB would first take 80 % of the machine, in each of the tasks that run beside each other.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import OutOfRoom

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = [
    "MAKE_ROOM",
    "NO_ROOM",
    "OF_A_COPYING_THREAD",
    "Memory",
    "bound",
    "disk_is_full",
    "lack_of_room",
    "memory_of",
    "open_in_memory",
    "parse_memory",
    "words_of_full_disk",
]

_BYTES = {"KB": 1_000, "MB": 1_000**2, "GB": 1_000**3, "TB": 1_000**4}
_BYTES |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}
_FORM = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]i?B)", re.IGNORECASE)
_ADVICE = re.compile(r"\n|(?:Database is launched|This limit was set|Possible solutions:|Unused blocks)")
"""Where DuckDB begins to say what to do; its ways out are not those of a task."""
_SHOWN = ("TIB", "TB", "GIB", "GB", "MIB", "MB", "KIB", "KB")

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The disk is full, or what we may have of it; or it takes no file so large."""
MAKE_ROOM = (
    "make room on that disk, or let what lies there lie on a larger one (DATAFLOW_LANDING, DATAFLOW_SCRATCH, "
    "DATAFLOW_WAREHOUSE, DATAFLOW_PUBLISHED)"
)

OF_A_THREAD = 250 * _BYTES["MB"]
"""Twice what DuckDB asks for as the least for each of its threads: wide keys, grouped, need more than that."""
OF_A_COPYING_THREAD = 1_000 * _BYTES["MB"]
"""For rows that keep their order on the way into a file: what a thread read waits in memory for those before it."""


class Memory(int):
    """A number of bytes, shown as users write it."""

    LEAST = 128 * _BYTES["MB"]

    def __str__(self) -> str:
        """Give it in the largest unit of which it is a whole number."""
        unit = next((unit for unit in _SHOWN if not self % _BYTES[unit]), "KB")
        return f"{self // _BYTES[unit]}{unit.replace('I', 'i')}"


def parse_memory(value: object) -> Memory:
    """Read ``512MB`` or ``2GiB``; one that is read already passes as it is.

    Raises:
        ValueError: when it is none, or too little for DuckDB to work with.
    """
    if isinstance(value, Memory):
        return value
    form = _FORM.fullmatch(value.strip()) if isinstance(value, str) else None
    if form is None:
        raise ValueError(f"{value!r} is no size; write a number and a unit, like 512MB or 2GB")
    size = Memory(float(form[1]) * _BYTES[form[2].upper()])
    if size < Memory.LEAST:
        raise ValueError(f"{value} is too little for DuckDB to work with; give it {Memory(Memory.LEAST)} at least")
    return size


def bound(connection: DuckDBPyConnection, memory: Memory, *, of_a_thread: int = OF_A_THREAD) -> None:
    """Let a database take that much memory, and no more threads than can work in it.

    These are no part of a handle's configuration: handles of one file still share their database.
    """
    connection.execute(f"SET memory_limit = '{int(memory)}B'")
    given = connection.execute("SELECT current_setting('threads')").fetchone()
    threads = max(1, memory // of_a_thread)
    if given is not None and threads < given[0]:
        connection.execute(f"SET threads = {threads}")


def memory_of(connection: DuckDBPyConnection) -> int:
    """Give how many bytes a database may take."""
    row = connection.execute("SELECT current_setting('memory_limit')").fetchone()
    form = _FORM.fullmatch(str(row[0])) if row is not None else None
    return int(float(form[1]) * _BYTES[form[2].upper()]) if form is not None else Memory.LEAST


def open_in_memory(memory: Memory, *, spill: Path, of_a_thread: int = OF_A_THREAD) -> DuckDBPyConnection:
    """Open a database in memory, in UTC and with nothing downloaded; the caller closes it.

    Args:
        memory: How much it may take.
        spill: The folder that takes what does not fit; DuckDB makes and removes it.
        of_a_thread: Bytes of it for each thread; `OF_A_COPYING_THREAD` where rows are only copied.
    """
    import duckdb

    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": str(spill),
        }
    )
    bound(connection, memory, of_a_thread=of_a_thread)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # DuckDB would draw it into whatever we print
    return connection


def lack_of_room(error: BaseException) -> OutOfRoom | None:
    """Say that memory or a disk did not suffice, where that is what an error, or what caused it, comes from.

    None for any other error, and for one that says so already.
    """
    import duckdb

    if isinstance(error, OutOfRoom):
        return None
    for cause in _causes(error):
        if isinstance(cause, duckdb.OutOfMemoryException):
            return OutOfRoom(f"{_told(error)}; raise DATAFLOW_MEMORY, or free the disk of DATAFLOW_SCRATCH")
        is_full = isinstance(cause, OSError) and cause.errno in NO_ROOM
        if is_full or (isinstance(cause, duckdb.Error) and disk_is_full(str(cause))):
            return OutOfRoom(f"{_told(error)}; {MAKE_ROOM}")
    return None


def disk_is_full(text: str) -> bool:
    """Tell whether a message, as DuckDB or dbt repeats it, says that a disk did not suffice."""
    return bool(words_of_full_disk(text))


def words_of_full_disk(text: str) -> str:
    """Give the system's words by which a message says that a disk did not suffice; empty where it does not."""
    return next((words for words in map(os.strerror, NO_ROOM) if words in text), "")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _told(error: BaseException) -> str:
    return _ADVICE.split(str(error), maxsplit=1)[0].rstrip(". ")
