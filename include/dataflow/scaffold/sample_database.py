"""The database that a new workflow begins with, where the author has no address of one yet."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

__all__ = ["example_database"]

EVENTS = (
    (1, "opened", "2025-01-05T09:30:00Z"),
    (2, "paid", "2025-01-05T09:42:00Z"),
    (3, "opened", "2025-01-05T18:05:00Z"),
    (4, "paid", "2025-01-06T07:15:00Z"),
)


def example_database(data: Path) -> Path:
    """Write a small SQLite file with a table ``events``, three of whose rows are of one day."""
    data.mkdir(parents=True)
    file = data / "events.sqlite"
    with closing(sqlite3.connect(file)) as database, database:
        columns = "event_id integer primary key, kind text, happened_at timestamp with time zone"
        database.execute(f"create table events ({columns})")
        database.executemany("insert into events values (?, ?, ?)", EVENTS)
    return file
