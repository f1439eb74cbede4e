"""The plugin that makes dbt-duckdb take the warehouse's lock before it opens the file, and stamp the run in it.

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

from dataflow.durations import parse_duration
from dataflow.errors import FatalError
from dataflow.settings import Settings
from dataflow.warehouse.builds import stamp
from dataflow.warehouse.connection import CONFIG, in_utc, lend, take_back
from dataflow.warehouse.lock import hold_for_process, let_go_for_process

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Plugin", "release_after_dbt"]

LOG = logging.getLogger(__name__)
IN_MEMORY = ":memory:"


class _Session:
    """What dbt has open in this process: one warehouse at a time."""

    def __init__(self) -> None:
        self.warehouse: Path | None = None
        self.root: DuckDBPyConnection | None = None
        self.cursors: weakref.WeakSet[DuckDBPyConnection] = weakref.WeakSet()
        self.guard = threading.RLock()
        self.kept: list[object] = []

    def forget_what_was_inherited(self) -> None:
        """Become a fork: the parent's connections are kept from being closed, which would write to the file."""
        self.kept += [self.root, *self.cursors]
        self.warehouse = self.root = None
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
        """Hold the warehouse for this process; at most ``lock_timeout`` (of the plugin's config or the environment).

        Raises:
            LockTimeout: when others kept it for too long.
        """
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
        if creds.path != IN_MEMORY:
            config.update(CONFIG)

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Share dbt's handle with our own code, and stamp the run that dbt builds for."""
        with _session.guard:
            if _session.warehouse is not None:
                take_back(_session.warehouse)
                lend(_session.warehouse, conn)
                _session.root = conn
                _stamp_run(conn)

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        """Set a cursor's session to UTC, and remember it: a cursor that stays open keeps the file open."""
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
    warehouse = _session.warehouse
    if warehouse is None:
        return
    take_back(warehouse)
    try:
        for cursor in list(_session.cursors):
            cursor.close()
        if _session.root is not None:
            _session.root.close()
    finally:
        _session.warehouse = _session.root = None
        _session.cursors = weakref.WeakSet()
        let_go_for_process(_lock_file(warehouse))


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
