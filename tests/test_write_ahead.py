"""Write-ahead mode of a SQLite file: kept by the file, and asked for until whoever holds the file lets go."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest

from dataflow.service.sqlite import let_readers_read_on
from dataflow.write_ahead import write_ahead


def mode_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


@pytest.fixture
def holder(tmp_path: Path):
    """Another's transaction, which holds a file of one table for itself."""
    with closing(sqlite3.connect(tmp_path / "held.db", isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER)")
        connection.execute("BEGIN EXCLUSIVE")
        yield connection


def test_a_file_is_made_and_keeps_the_mode(tmp_path: Path) -> None:
    write_ahead(tmp_path / "new.db", patience=1)
    assert "wal" == mode_of(tmp_path / "new.db")


def test_a_file_that_another_holds_is_waited_for(tmp_path: Path, holder: sqlite3.Connection) -> None:
    letting_go = Timer(0.2, holder.rollback)
    letting_go.start()
    write_ahead(tmp_path / "held.db", patience=60)
    letting_go.join()
    assert "wal" == mode_of(tmp_path / "held.db")


def test_a_file_that_stays_held_is_an_error_which_airflows_database_does_without(
    tmp_path: Path, holder: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write_ahead(tmp_path / "held.db", patience=0.1)
    monkeypatch.setattr("dataflow.service.sqlite.BUSY_SECONDS", 0.1)
    let_readers_read_on(f"sqlite:///{tmp_path / 'held.db'}")
    holder.rollback()
    assert "delete" == mode_of(tmp_path / "held.db")
