"""How Airflow opens a metadata database that is a SQLite file; Airflow imports it by name."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import Any

__all__ = ["BUSY_SECONDS", "CONNECT_ARGS", "let_readers_read_on"]

BUSY_SECONDS = 60.0
"""How long a write waits for another's; after Python's own 5 a busy scheduler makes API requests fail."""

CONNECT_ARGS: dict[str, Any] = {"timeout": BUSY_SECONDS}
"""Airflow's ``[database] sql_alchemy_connect_args``."""


def let_readers_read_on(url: str) -> None:
    """Put a metadata database that is a SQLite file into write-ahead mode, which it keeps; leave any other alone.

    Its readers and its writer do not wait for each other any more. Where the file's system or another process does not
    let it, the file stays as it is: slower, and no worse.
    """
    from sqlalchemy import make_url

    where = make_url(url)
    if where.get_backend_name() != "sqlite" or not where.database:
        return
    with (
        closing(sqlite3.connect(where.database, timeout=BUSY_SECONDS)) as connection,
        suppress(sqlite3.OperationalError),
    ):
        connection.execute("PRAGMA journal_mode=WAL")
