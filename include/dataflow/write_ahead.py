"""Write-ahead mode of a database that is a SQLite file: its readers and its writer do not wait for each other."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

__all__ = ["write_ahead"]

LOOK_SECONDS = 0.05


def write_ahead(file: Path, *, patience: float) -> None:
    """Put a SQLite file into write-ahead mode, which it keeps; the file is made where it is not there.

    Args:
        file: Of the database.
        patience: How many seconds to wait while another process holds the file: SQLite's own waiting does not cover
            a change of the mode.

    Raises:
        sqlite3.OperationalError: when the file stays locked, or it or its system does not let it.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            with closing(sqlite3.connect(file, timeout=patience)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(LOOK_SECONDS)
        else:
            return
