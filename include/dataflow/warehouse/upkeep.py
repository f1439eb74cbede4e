"""Keeping the warehouse small and quick, beside running loads and builds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import literal
from dataflow.warehouse.lake import CATALOG
from dataflow.warehouse.schemas import BUILDS, LOADS, OWN_SCHEMA, tables_in, turn_of_table
from dataflow.warehouse.transaction import transact
from dataflow.warehouse.turns import TurnKept

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
COMPACTION = {
    "ducklake_flush_inlined_data": (
        "schema_name => {schema}, table_name => {table}",
        "tables with small batches written to files",
    ),
    "ducklake_merge_adjacent_files": ("{table}, schema => {schema}", "files put together"),
    "ducklake_rewrite_data_files": ("{table}, schema => {schema}", "files without their deleted rows"),
}
"""What is done to each table of a lake, in this order: how it is called, and what the count says."""


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


def tidy_lake(
    connection: DuckDBPyConnection,
    *,
    keep: timedelta,
    dry_run: bool,
    turn_of: Callable[[str], AbstractContextManager[None]],
) -> list[str]:
    """Expire versions, put small files together, rewrite what is mostly deleted, and delete files of expired versions.

    Each table is put in order when it is its workflow's turn: a build that meets another writer of its table fails.
    What others keep for too long is left as it is, and told.
    """
    told: list[str] = []
    old = _ago(keep)
    expired = _call(connection, "ducklake_expire_snapshots", f"older_than => {old}, dry_run => {str(dry_run).lower()}")
    told += [f"{expired} versions of the lake"] if expired else []
    if not dry_run:
        told += _compact(connection, turn_of)
    cleaned = _call(connection, "ducklake_cleanup_old_files", f"older_than => {old}, dry_run => {str(dry_run).lower()}")
    told += [f"{cleaned} files of expired versions"] if cleaned else []
    return told


def _compact(connection: DuckDBPyConnection, turn_of: Callable[[str], AbstractContextManager[None]]) -> list[str]:
    counts = dict.fromkeys(COMPACTION, 0)
    kept = []
    for turn in _tables_by_turn(connection):
        try:
            with turn_of(turn):
                # Looked up again: who had the turn until now may have dropped some.
                for schema, table in _tables_by_turn(connection).get(turn, ()):
                    named = {"schema": literal(schema), "table": literal(table)}
                    for work, (call, _) in COMPACTION.items():
                        bring = partial(_call, connection, work, call.format(**named))
                        counts[work] += transact(connection, bring)
        except TurnKept:
            kept.append(turn)
    told = [f"{counts[work]} {what}" for work, (_, what) in COMPACTION.items() if counts[work]]
    return told + ([f"left as they are, for others were at work on them: {', '.join(kept)}"] if kept else [])


def _tables_by_turn(connection: DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    """Give schema and name of every table, by what `open_warehouse` calls the turn of who writes it."""
    rows = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() ORDER BY ALL"
    ).fetchall()
    found: dict[str, list[tuple[str, str]]] = {}
    for schema, table in rows:
        found.setdefault(turn_of_table(schema, table), []).append((schema, table))
    return found


def _call(connection: DuckDBPyConnection, function: str, options: str) -> int:
    return len(connection.execute(f"CALL {function}({literal(CATALOG)}, {options})").fetchall())


def _ago(span: timedelta) -> str:
    return f"now() - INTERVAL {int(span.total_seconds())} SECOND"
