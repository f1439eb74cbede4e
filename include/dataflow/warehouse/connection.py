"""Opening the warehouse, a file under its lock or a DuckLake: in UTC, with nothing downloaded."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.duckdb_memory import Memory, bound
from dataflow.ducklake import DuckLake
from dataflow.errors import FatalError, TransientError
from dataflow.queries import duckdb_message
from dataflow.settings import Settings
from dataflow.warehouse.lake import open_lake
from dataflow.warehouse.lock import warehouse_lock
from dataflow.warehouse.session import CONFIG, in_utc
from dataflow.warehouse.turns import turn_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["lend", "open_warehouse", "take_back"]

NO_DATABASE = re.compile("not a valid DuckDB database|version number|Is a directory|Permission denied")
"""What DuckDB says of a file that another try finds no better."""


class _Openings:
    """The open handles of this process, by file."""

    def __init__(self) -> None:
        self.counts: Counter[Path] = Counter()
        self.lent: dict[Path, DuckDBPyConnection] = {}
        self.inherited: set[Path] = set()
        self.kept: list[object] = []
        self.guard = threading.Lock()

    def forget_what_was_inherited(self) -> None:
        """Become a fork, which must never touch its parent's handles: closing one would write to the file."""
        self.kept.append(dict(self.lent))
        self.inherited.update(path for path, count in self.counts.items() if count)
        self.counts, self.lent, self.guard = Counter(), {}, threading.Lock()


_openings = _Openings()
os.register_at_fork(after_in_child=_openings.forget_what_was_inherited)


@contextmanager
def open_warehouse(
    settings: Settings, *, purpose: str, turn: str = "", log: logging.Logger | None = None
) -> Iterator[DuckDBPyConnection]:
    """Give a connection of its own transaction; of a file, hold the lock until it is closed.

    The file or the lake is made where it does not exist. Openings of a file within one process share one handle, with
    dbt's too.

    Args:
        settings: Which warehouse, and how long to wait for it.
        purpose: What for, as others read it while they wait, e.g. ``load shop.orders``.
        turn: On a lake, what no two processes may do at once: ``shop`` for a workflow's models, ``shop.orders`` for
            a loaded table; empty where nothing contradicts. A file has one turn for everybody.
        log: Told of a wait that is worth telling.

    Raises:
        LockTimeout: when others kept the file for too long.
        TransientError: when a program that does not know of the lock has the file open; when others kept the turn for
            too long, or the lake was lost.
        FatalError: in a process that was forked from one which had the file open.
    """
    lake = settings.warehouse
    if isinstance(lake, DuckLake):
        alone = turn_of(lake, turn, timeout=settings.lock_timeout, purpose=purpose, log=log) if turn else nullcontext()
        with alone, open_lake(settings, lake) as connection:
            yield connection
        return
    with warehouse_lock(settings, purpose=purpose, log=log):
        path = Path(os.path.realpath(lake))
        connection = _connect(path, settings.memory)
        try:
            yield connection
        finally:
            _disconnect(path, connection)


def lend(warehouse: Path, connection: DuckDBPyConnection) -> None:
    """Let the openings of this process share a handle that is open already, until it is taken back."""
    path = Path(os.path.realpath(warehouse))
    with _openings.guard:
        _openings.lent[path] = connection
        _openings.counts[path] += 1


def take_back(warehouse: Path) -> None:
    """End what `lend` began; harmless where nothing was lent."""
    path = Path(os.path.realpath(warehouse))
    with _openings.guard:
        if _openings.lent.pop(path, None) is not None:
            _openings.counts[path] -= 1


def _connect(path: Path, memory: Memory) -> DuckDBPyConnection:
    import duckdb

    with _openings.guard:
        if path in _openings.inherited:
            raise FatalError(f"this process was forked while {path.name} was open; spawn it, or fork before opening")
        lent = _openings.lent.get(path)
        try:
            connection = duckdb.connect(path, config=CONFIG) if lent is None else lent.cursor()
        except duckdb.IOException as exc:
            if NO_DATABASE.search(str(exc)):
                raise FatalError(
                    f"DATAFLOW_WAREHOUSE={path}: cannot be opened as a DuckDB file; name another place, or move what "
                    f"is there: {duckdb_message(exc)}"
                ) from exc
            if "Could not set lock" not in str(exc) and "Conflicting lock" not in str(exc):
                raise
            raise TransientError(
                f"{path.name} is open in a program that does not take {path.name}.lock: {exc}; "
                "close it there, and read the published snapshots instead"
            ) from exc
        if not _openings.counts[path]:
            bound(connection, memory)
        _openings.counts[path] += 1
    return in_utc(connection)


def _disconnect(path: Path, connection: DuckDBPyConnection) -> None:
    if path in _openings.inherited:  # a fork leaves the block that its parent entered
        _openings.kept.append(connection)
        return
    connection.close()
    with _openings.guard:
        _openings.counts[path] -= 1
