"""How Airflow opens a metadata database that is a SQLite file; Airflow imports it by name."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from dataflow.write_ahead import write_ahead

__all__ = ["BUSY_SECONDS", "CONNECT_ARGS", "let_readers_read_on"]

BUSY_SECONDS = 60.0
"""How long a write waits for another's; after Python's own 5 a busy scheduler makes API requests fail."""

CONNECT_ARGS: dict[str, Any] = {"timeout": BUSY_SECONDS}
"""Airflow's ``[database] sql_alchemy_connect_args``."""


def let_readers_read_on(url: str) -> None:
    """Put a metadata database that is a SQLite file into write-ahead mode, which it keeps; leave any other alone.

    Where the file's system or another process does not let it, the file stays as it is: slower, and no worse.
    """
    from sqlalchemy import make_url

    where = make_url(url)
    if where.get_backend_name() != "sqlite" or not where.database:
        return
    with suppress(sqlite3.OperationalError):
        write_ahead(Path(where.database), patience=BUSY_SECONDS)
