"""Keeping the warehouse small and quick, beside running loads and builds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import literal
from dataflow.warehouse.lake import CATALOG
from dataflow.warehouse.schemas import BUILDS, LOADS, OWN_SCHEMA, tables_in
from dataflow.warehouse.transaction import transact

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["forget_old_stamps", "tidy_file", "tidy_lake"]

OLD_STAMPS = {
    "builds": f"{BUILDS} AS old WHERE began < (SELECT max(began) FROM {BUILDS} AS new "
    "WHERE new.workflow = old.workflow)",
    "loads": f"{LOADS} AS old WHERE window_end < (SELECT max(window_end) FROM {LOADS} AS new "
    "WHERE new.workflow = old.workflow AND new.table_name = old.table_name)",
}
"""What a later stamp of the same made void."""


def forget_old_stamps(connection: DuckDBPyConnection, *, dry_run: bool) -> list[str]:
    """Delete the stamps of builds and loads that a later one made void."""
    told = []
    there = tables_in(connection, OWN_SCHEMA)
    for name, old in OLD_STAMPS.items():
        if name not in there:
            continue
        row = connection.execute(f"SELECT count(*) FROM {old}").fetchone()
        count = row[0] if row else 0
        if count and not dry_run:
            transact(connection, lambda old=old: connection.execute(f"DELETE FROM {old}"))  # type: ignore[misc]
        told += [f"{count} old stamps of {name}"] if count else []
    return told


def tidy_file(connection: DuckDBPyConnection, file: Path, *, dry_run: bool) -> list[str]:
    """Bring the log into the file, and give back to the disk what is free at its end."""
    before = file.stat().st_size
    if dry_run:
        return []
    connection.execute("CHECKPOINT")
    freed = before - file.stat().st_size
    return [f"{freed:,} bytes of the file"] if freed > 0 else []


def tidy_lake(connection: DuckDBPyConnection, *, keep: timedelta, dry_run: bool) -> list[str]:
    """Expire versions, put small files together, rewrite what is mostly deleted, and delete files of expired versions.

    `ducklake_delete_orphaned_files` is not called: it takes every Parquet file below the lake's folder that this one
    catalog does not name, those of another lake or of a landing in the same folder too.
    """
    told: list[str] = []
    old = _ago(keep)
    expired = _call(connection, "ducklake_expire_snapshots", f"older_than => {old}, dry_run => {str(dry_run).lower()}")
    told += [f"{expired} versions of the lake"] if expired else []
    if not dry_run:
        for work, what in (
            ("ducklake_flush_inlined_data", "tables with small batches written to files"),
            ("ducklake_merge_adjacent_files", "files put together"),
            ("ducklake_rewrite_data_files", "files without their deleted rows"),
        ):
            count = transact(connection, lambda work=work: _call(connection, work))  # type: ignore[misc]
            told += [f"{count} {what}"] if count else []
    cleaned = _call(connection, "ducklake_cleanup_old_files", f"older_than => {old}, dry_run => {str(dry_run).lower()}")
    told += [f"{cleaned} files of expired versions"] if cleaned else []
    return told


def _call(connection: DuckDBPyConnection, function: str, options: str = "") -> int:
    given = ", ".join(filter(None, [literal(CATALOG), options]))
    return len(connection.execute(f"CALL {function}({given})").fetchall())


def _ago(span: timedelta) -> str:
    return f"now() - INTERVAL {int(span.total_seconds())} SECOND"
