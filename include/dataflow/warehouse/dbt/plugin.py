"""What dbt-duckdb calls around its connection: it opens the warehouse as everybody does, and then locks models in it.

Before the file is opened, its lock is taken; of a DuckLake the workflow's turn, and the lake is attached, so that
profile and statements hold no password. The run is stamped, and from the first cursor on SQL reaches nothing beyond;
see `dataflow.warehouse.dbt.reach`.

``profiles.yml`` names it: ``plugins: [{module: dataflow.warehouse.dbt.plugin}]``. dbt-duckdb makes its plugins when it
first needs a connection, so ``dbt parse`` never waits. It keeps connection and plugin alive after an invocation:
whoever calls dbt in its own process ends with `dataflow.warehouse.dbt.session.release_after_dbt`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.duckdb_memory import bound, parse_memory
from dataflow.ducklake import DuckLake
from dataflow.durations import parse_duration
from dataflow.errors import FatalError
from dataflow.paths import find_project
from dataflow.s3.place import S3Place
from dataflow.settings import Settings, parse_reach
from dataflow.warehouse.builds import stamp
from dataflow.warehouse.connection import lend, take_back
from dataflow.warehouse.dbt.bounds import Bounds
from dataflow.warehouse.dbt.errors import tell_errors_in_our_words
from dataflow.warehouse.dbt.event_loops import close_event_loops
from dataflow.warehouse.dbt.reach import SETTING, is_remote, lock_in, make_reachable
from dataflow.warehouse.dbt.session import Detours, close_session, lock_file_of, look_at_statements, session
from dataflow.warehouse.lake import CATALOG, attach_lake, use_lake
from dataflow.warehouse.lock import hold_for_process
from dataflow.warehouse.session import CONFIG, in_utc
from dataflow.warehouse.turns import take_turn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Plugin"]

LOG = logging.getLogger(__name__)
IN_MEMORY = ":memory:"


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
        tell_errors_in_our_words()
        close_event_loops()
        look_at_statements()
        self.lake = _lake_of(self.creds)
        if self.lake is not None:
            _wait_for_turn(self.lake, _timeout(plugin_config))
        if self.creds is None or self.creds.path == IN_MEMORY:
            return
        warehouse = Path(os.path.realpath(self.creds.path))
        with session.guard:
            if session.warehouse not in (None, warehouse):
                close_session()
            workflow = os.environ.get("DATAFLOW_WORKFLOW", "")
            hold_for_process(
                lock_file_of(warehouse),
                timeout=_timeout(plugin_config),
                purpose=f"run dbt for {workflow}" if workflow else "run dbt",
                log=LOG,
            )
            session.warehouse = warehouse

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Open as our own code opens, so that both share one handle."""
        if creds.path != IN_MEMORY or self.lake is not None:
            config.update(CONFIG)

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Attach the lake, or share the file's handle with our own code; and stamp the run that dbt builds for."""
        with session.guard:
            if self.lake is not None:
                settings = Settings.load()
                settings.scratch.mkdir(parents=True, exist_ok=True)
                attach_lake(conn, settings, self.lake)
                session.root = use_lake(conn)
                _stamp_run(conn)
            if session.warehouse is not None:
                take_back(session.warehouse)
                lend(session.warehouse, conn)
                bound(conn, parse_memory(os.environ.get("DATAFLOW_MEMORY") or Settings.model_fields["memory"].default))
                session.root = conn
                _stamp_run(conn)
            make_reachable(conn, _beyond())
            session.bounds = _bounds(conn)

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        """Set a cursor's session to UTC, and remember it: a cursor that stays open keeps the file open.

        By now all is attached that the profile names, so that the database can be locked.
        """
        if self.lake is not None:
            use_lake(cursor)
        in_utc(cursor)
        with session.guard:
            session.cursors.add(cursor)
            if self.lake is not None or session.warehouse is not None:
                self._lock_in(cursor)

    def _lock_in(self, cursor: DuckDBPyConnection) -> None:
        beyond = _beyond()
        places = [*_seeds(), *beyond]
        if self.lake is not None:
            data = Settings.load().warehouse_data
            if isinstance(data, Path):
                data.mkdir(parents=True, exist_ok=True)  # locked in, DuckDB makes no such folder itself
            places.append(data)
        lock_in(cursor, places, changeable=self.creds.settings or ())
        if self.lake is not None:
            session.detours = Detours.OF_LAKE
        elif any(map(is_remote, beyond)):
            session.detours = Detours.OF_ADDRESSES

    def load(self, source_config: Any) -> Any:  # noqa: ARG002 - dbt-duckdb's signature
        """Refuse: the plugin reads nothing."""
        raise FatalError(f"the plugin {self.name} locks the warehouse and loads no sources; take it out of their meta")

    def store(self, target_config: Any) -> None:  # noqa: ARG002 - dbt-duckdb's signature
        """Refuse: the plugin writes nothing."""
        raise FatalError(f"the plugin {self.name} locks the warehouse and stores nothing; take it out of the model")

    def default_materialization(self) -> str:
        """Answer as dbt-duckdb's own plugins do."""
        return "table"


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
    with session.guard:
        close_session()
        if workflow:
            session.turn = take_turn(lake, workflow, timeout=timeout, purpose=f"run dbt for {workflow}", log=LOG)


def _stamp_run(connection: DuckDBPyConnection) -> None:
    """Write whose build this is under the hold in which it builds, so that no other run's can come in between."""
    workflow, run_id = os.environ.get("DATAFLOW_WORKFLOW"), os.environ.get("DATAFLOW_RUN_ID")
    if workflow and run_id:
        stamp(connection, workflow, run_id)


def _bounds(connection: DuckDBPyConnection) -> Bounds | None:
    """Give where dbt may write; None where it runs for no workflow, or on no warehouse."""
    workflow = os.environ.get("DATAFLOW_WORKFLOW")
    row = connection.execute("SELECT current_database()").fetchone()
    if not workflow or session.root is None or row is None:
        return None
    return Bounds.in_house(find_project(), workflow, catalog=str(row[0]))


def _beyond() -> tuple[Path | S3Place | str, ...]:
    return parse_reach(os.environ.get(SETTING, ""))


def _seeds() -> Iterator[Path]:
    """Give where the CSV files lie that dbt-duckdb reads by their paths: the project's and those of its packages."""
    from dbt.adapters.factory import get_adapter_by_type

    project: Any = get_adapter_by_type("duckdb").config  # type: ignore[no-untyped-call]
    for folder in (*project.seed_paths, project.packages_install_path):
        yield Path(project.project_root, folder)


def _timeout(plugin_config: Mapping[str, Any]) -> timedelta:
    given = plugin_config.get("lock_timeout") or os.environ.get("DATAFLOW_LOCK_TIMEOUT")
    return parse_duration(given or Settings.model_fields["lock_timeout"].default)
