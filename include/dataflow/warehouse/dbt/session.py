"""What dbt has open in this process, and how it is given back."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from enum import Enum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.warehouse.connection import take_back
from dataflow.warehouse.dbt.bounds import OWN_SCHEMAS_ALONE, Bounds
from dataflow.warehouse.dbt.reach import refuse_detour
from dataflow.warehouse.lock import let_go_for_process

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.turns import Turn

__all__ = ["Detours", "close_session", "lock_file_of", "look_at_statements", "release_after_dbt", "session"]

_DONE = "dataflow_looks_at_statements"


class Detours(Enum):
    """What the open database speaks to, beside files."""

    NONE = "nothing"
    OF_ADDRESSES = "addresses that the house names"
    OF_LAKE = "the PostgreSQL of a lake's catalog"


class _Session:
    """One warehouse at a time."""

    def __init__(self) -> None:
        self.warehouse: Path | None = None
        self.turn: Turn | None = None
        self.root: DuckDBPyConnection | None = None
        self.cursors: weakref.WeakSet[DuckDBPyConnection] = weakref.WeakSet()
        self.guard = threading.RLock()
        self.kept: list[object] = []
        self.detours = Detours.NONE
        """How statements may reach further than DuckDB's own lock knows."""
        self.bounds: Bounds | None = None
        """Where statements may write; None where dbt runs for no workflow."""

    def forget_what_was_inherited(self) -> None:
        """Become a fork: the parent's connections are kept from being closed, which would write to the file."""
        self.kept += [self.root, self.turn, *self.cursors]
        self.warehouse = self.root = self.turn = None
        self.cursors, self.guard = weakref.WeakSet(), threading.RLock()
        self.detours, self.bounds = Detours.NONE, None


session = _Session()
os.register_at_fork(after_in_child=session.forget_what_was_inherited)


def release_after_dbt() -> None:
    """Close what dbt left open in this process and give the warehouse back; harmless where dbt held nothing."""
    manager = sys.modules.get("dbt.adapters.duckdb.connections")
    try:
        if manager is not None:
            manager.DuckDBConnectionManager.close_all_connections()
    finally:
        with session.guard:
            close_session()


def close_session() -> None:
    """Close every connection of the session, then give up its lock or turn; whoever calls it holds the guard."""
    warehouse, turn = session.warehouse, session.turn
    if warehouse is not None:
        take_back(warehouse)
    try:
        for cursor in list(session.cursors):
            cursor.close()
        if session.root is not None:
            session.root.close()
    finally:
        session.warehouse = session.root = session.turn = None
        session.cursors = weakref.WeakSet()
        session.detours, session.bounds = Detours.NONE, None
        if turn is not None:
            turn.end()
        if warehouse is not None:
            let_go_for_process(lock_file_of(warehouse))


def look_at_statements() -> None:
    """Have dbt-duckdb in this process refuse what would reach around DuckDB's own lock, or write to others' schemas.

    See `refuse_detour` and `dataflow.warehouse.dbt.bounds`.
    """
    import duckdb
    from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper as Cursor

    if hasattr(Cursor, _DONE):
        return
    execute = Cursor.execute

    @wraps(execute)
    def looked_at(self: Any, sql: str, *bindings: Any) -> Any:
        if session.detours is not Detours.NONE:
            refuse_detour(sql, of_lake=session.detours is Detours.OF_LAKE)
        if session.bounds is not None and (trespass := session.bounds.trespass(sql)):
            raise duckdb.PermissionException(f"{trespass}; {OWN_SCHEMAS_ALONE}")
        return execute(self, sql, *bindings)  # type: ignore[no-untyped-call]

    Cursor.execute = looked_at  # type: ignore[method-assign]
    setattr(Cursor, _DONE, True)


def lock_file_of(warehouse: Path) -> Path:
    """Give the file whose lock everybody takes who opens the warehouse."""
    return warehouse.with_name(warehouse.name + ".lock")
