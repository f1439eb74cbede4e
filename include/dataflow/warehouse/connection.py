"""Opening the warehouse: under its lock, in UTC, with nothing downloaded."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import FatalError, TransientError
from dataflow.settings import Settings
from dataflow.warehouse.lock import warehouse_lock

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["CONFIG", "in_utc", "lend", "open_warehouse", "take_back"]

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""What every opener of a process gives, dbt too: DuckDB shares one handle among equal configurations only."""


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
    settings: Settings, *, purpose: str, log: logging.Logger | None = None
) -> Iterator[DuckDBPyConnection]:
    """Hold the lock and give a connection of its own transaction; closed before the lock is let go.

    The file is made where it does not exist. Openings within one process share one handle, with dbt's too.

    Raises:
        LockTimeout: when others kept the warehouse for too long.
        TransientError: when a program that does not know of the lock has it open.
        FatalError: in a process that was forked from one which had it open.
    """
    with warehouse_lock(settings, purpose=purpose, log=log):
        path = Path(os.path.realpath(settings.warehouse))
        connection = _connect(path)
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


def in_utc(connection: DuckDBPyConnection) -> DuckDBPyConnection:
    """Make the session show and read times in UTC; the setting is each connection's own."""
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _connect(path: Path) -> DuckDBPyConnection:
    import duckdb

    with _openings.guard:
        if path in _openings.inherited:
            raise FatalError(f"this process was forked while {path.name} was open; spawn it, or fork before opening")
        lent = _openings.lent.get(path)
        try:
            connection = duckdb.connect(path, config=CONFIG) if lent is None else lent.cursor()
        except duckdb.IOException as exc:
            if "Could not set lock" not in str(exc) and "Conflicting lock" not in str(exc):
                raise
            raise TransientError(
                f"{path.name} is open in a program that does not take {path.name}.lock: {exc}; "
                "close it there, and read the published snapshots instead"
            ) from exc
        _openings.counts[path] += 1
    return in_utc(connection)


def _disconnect(path: Path, connection: DuckDBPyConnection) -> None:
    if path in _openings.inherited:  # a fork leaves the block that its parent entered
        _openings.kept.append(connection)
        return
    connection.close()
    with _openings.guard:
        _openings.counts[path] -= 1
