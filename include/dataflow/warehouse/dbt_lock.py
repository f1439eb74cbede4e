"""The plugin that makes dbt-duckdb take the warehouse's lock before it opens the file, and stamp the run in it.

Of a DuckLake it takes the workflow's turn instead, and attaches the lake: profile and statements hold no password.

``profiles.yml`` names it: ``plugins: [{module: dataflow.warehouse.dbt_lock}]``. dbt-duckdb makes its plugins when it
first needs a connection, so ``dbt parse`` never waits. It keeps connection and plugin alive after an invocation:
whoever calls dbt in its own process ends with `release_after_dbt`.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import weakref
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.duckdb_memory import bound, parse_memory
from dataflow.ducklake import DuckLake
from dataflow.durations import parse_duration
from dataflow.errors import FatalError
from dataflow.settings import Settings
from dataflow.warehouse.builds import stamp
from dataflow.warehouse.connection import lend, take_back
from dataflow.warehouse.lake import CATALOG, attach_lake, use_lake
from dataflow.warehouse.lock import hold_for_process, let_go_for_process
from dataflow.warehouse.session import CONFIG, in_utc
from dataflow.warehouse.turns import Turn, take_turn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Plugin", "release_after_dbt"]

LOG = logging.getLogger(__name__)
IN_MEMORY = ":memory:"


class _Session:
    """What dbt has open in this process: one warehouse at a time."""

    def __init__(self) -> None:
        self.warehouse: Path | None = None
        self.turn: Turn | None = None
        self.root: DuckDBPyConnection | None = None
        self.cursors: weakref.WeakSet[DuckDBPyConnection] = weakref.WeakSet()
        self.guard = threading.RLock()
        self.kept: list[object] = []

    def forget_what_was_inherited(self) -> None:
        """Become a fork: the parent's connections are kept from being closed, which would write to the file."""
        self.kept += [self.root, self.turn, *self.cursors]
        self.warehouse = self.root = self.turn = None
        self.cursors, self.guard = weakref.WeakSet(), threading.RLock()


_session = _Session()
os.register_at_fork(after_in_child=_session.forget_what_was_inherited)


class Plugin:
    """What dbt-duckdb calls around its connection.

    It answers like dbt-duckdb's ``BasePlugin`` but is no subclass: that would import dbt wherever
    `release_after_dbt` is needed.
    """

    def __init__(self, name: str, plugin_config: Mapping[str, Any], credentials: Any = None) -> None:
        self.name = name
        self.creds = credentials
        self.initialize(plugin_config)

    def initialize(self, plugin_config: Mapping[str, Any]) -> None:
        """Hold the file, or the workflow's turn; wait ``lock_timeout`` (of the plugin's config or the environment).

        Raises:
            LockTimeout: when others kept it for too long; of a turn, its parent TransientError.
        """
        self.lake = _lake_of(self.creds)
        if self.lake is not None:
            _wait_for_turn(self.lake, _timeout(plugin_config))
        if self.creds is None or self.creds.path == IN_MEMORY:
            return
        warehouse = Path(os.path.realpath(self.creds.path))
        with _session.guard:
            if _session.warehouse not in (None, warehouse):
                _close_session()
            workflow = os.environ.get("DATAFLOW_WORKFLOW", "")
            hold_for_process(
                _lock_file(warehouse),
                timeout=_timeout(plugin_config),
                purpose=f"run dbt for {workflow}" if workflow else "run dbt",
                log=LOG,
            )
            _session.warehouse = warehouse

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Open as our own code opens, so that both share one handle."""
        if creds.path != IN_MEMORY or self.lake is not None:
            config.update(CONFIG)

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Attach the lake, or share the file's handle with our own code; and stamp the run that dbt builds for."""
        with _session.guard:
            if self.lake is not None:
                attach_lake(conn, Settings.load(), self.lake)
                _session.root = use_lake(conn)
                _stamp_run(conn)
            if _session.warehouse is not None:
                take_back(_session.warehouse)
                lend(_session.warehouse, conn)
                bound(conn, parse_memory(os.environ.get("DATAFLOW_MEMORY") or Settings.model_fields["memory"].default))
                _session.root = conn
                _stamp_run(conn)

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        """Set a cursor's session to UTC, and remember it: a cursor that stays open keeps the file open."""
        if self.lake is not None:
            use_lake(cursor)
        in_utc(cursor)
        with _session.guard:
            _session.cursors.add(cursor)

    def load(self, source_config: Any) -> Any:  # noqa: ARG002 - dbt-duckdb's signature
        """Refuse: the plugin reads nothing."""
        raise FatalError(f"the plugin {self.name} locks the warehouse and loads no sources; take it out of their meta")

    def store(self, target_config: Any) -> None:  # noqa: ARG002 - dbt-duckdb's signature
        """Refuse: the plugin writes nothing."""
        raise FatalError(f"the plugin {self.name} locks the warehouse and stores nothing; take it out of the model")

    def default_materialization(self) -> str:
        """Answer as dbt-duckdb's own plugins do."""
        return "table"


def release_after_dbt() -> None:
    """Close what dbt left open in this process and give the warehouse back; harmless where dbt held nothing."""
    manager = sys.modules.get("dbt.adapters.duckdb.connections")
    try:
        if manager is not None:
            manager.DuckDBConnectionManager.close_all_connections()
    finally:
        with _session.guard:
            _close_session()


def _close_session() -> None:
    warehouse, turn = _session.warehouse, _session.turn
    if warehouse is not None:
        take_back(warehouse)
    try:
        for cursor in list(_session.cursors):
            cursor.close()
        if _session.root is not None:
            _session.root.close()
    finally:
        _session.warehouse = _session.root = _session.turn = None
        _session.cursors = weakref.WeakSet()
        if turn is not None:
            turn.end()
        if warehouse is not None:
            let_go_for_process(_lock_file(warehouse))


def _lake_of(credentials: Any) -> DuckLake | None:
    """Give the lake of the settings where the profile's output attaches one."""
    if credentials is None or CATALOG not in {attached.alias for attached in credentials.attach or ()}:
        return None
    lake = Settings.load().warehouse
    if isinstance(lake, DuckLake):
        return lake
    raise FatalError("dbt's target is `ducklake`, but DATAFLOW_WAREHOUSE names a file; use the target `warehouse`")


def _wait_for_turn(lake: DuckLake, timeout: timedelta) -> None:
    """Let no other process build or publish the workflow's models until dbt has ended."""
    workflow = os.environ.get("DATAFLOW_WORKFLOW", "")
    with _session.guard:
        _close_session()
        if workflow:
            _session.turn = take_turn(lake, workflow, timeout=timeout, purpose=f"run dbt for {workflow}", log=LOG)


def _stamp_run(connection: DuckDBPyConnection) -> None:
    """Write whose build this is under the hold in which it builds, so that no other run's can come in between."""
    workflow, run_id = os.environ.get("DATAFLOW_WORKFLOW"), os.environ.get("DATAFLOW_RUN_ID")
    if workflow and run_id:
        stamp(connection, workflow, run_id)


def _lock_file(warehouse: Path) -> Path:
    return warehouse.with_name(warehouse.name + ".lock")


def _timeout(plugin_config: Mapping[str, Any]) -> timedelta:
    given = plugin_config.get("lock_timeout") or os.environ.get("DATAFLOW_LOCK_TIMEOUT")
    return parse_duration(given or Settings.model_fields["lock_timeout"].default)
