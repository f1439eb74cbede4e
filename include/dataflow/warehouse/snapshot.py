"""Snapshots: copies of published tables that readers open without ever meeting the warehouse's lock.

Each publish is a new version: ``<published>/<workflow>/<version>/<table>.parquet`` and ``<workflow>.duckdb`` beside
them, which nobody changes. ``current.json`` names the version that readers use. All of it lies on a disk or in S3.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.errors import FatalError, InputError, PublishedMeanwhile, RunSuperseded, TrySuperseded
from dataflow.identifiers import quote
from dataflow.s3.place import S3Place
from dataflow.settings import Settings
from dataflow.warehouse.builds import newest
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.schemas import model_schema, staging_schema, tables_in
from dataflow.warehouse.snapshot_files import write_files
from dataflow.warehouse.versions import StoredFile, Versions, versions_at

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Snapshot", "current_snapshot", "publish", "snapshot_of_table"]

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of a workflow's published tables."""

    workflow: str
    version: str
    run_id: str
    place: Path | S3Place
    """Where all versions of this workflow lie."""
    tables: dict[str, int]
    """Each table's number of rows."""
    columns: dict[str, dict[str, str]]
    """Each table's columns and their DuckDB types, as its Parquet has them."""
    files: dict[str, StoredFile]
    """What it holds, by name."""

    @property
    def folder(self) -> Path | S3Place:
        """Where its files lie."""
        return self.place / self.version

    @property
    def database(self) -> Path | S3Place:
        """The DuckDB file of all its tables; open it with ``read_only=True``."""
        return self.folder / f"{self.workflow}.duckdb"

    def parquet(self, table: str) -> Path | S3Place:
        """Give the Parquet file of one of its tables, where it lies."""
        return self.folder / f"{table}.parquet"

    def fetch(self, table: str, *, into: Path) -> Path:
        """Give a Parquet file of this machine with that table: itself, or a copy in that folder.

        Raises:
            FileNotFoundError: when the version was deleted meanwhile; a newer one is current then.
            TransientError: when the store did not give all of it this time.
        """
        name = f"{table}.parquet"
        return versions_at(self.place).fetch(self.version, name, into=into, expected=self.files.get(name))


def publish(
    settings: Settings,
    workflow: str,
    *,
    tables: Iterable[str],
    run_id: str,
    stamped: bool = False,
    before_shown: Callable[[], None] = lambda: None,
    log: logging.Logger | None = None,
) -> Snapshot:
    """Copy the tables, as of one moment, and point readers to the copy; readers see all of it or nothing.

    A name is looked up among the models first, then among the loaded tables. Columns of ours are left out.

    Args:
        settings: Where the warehouse and the snapshots lie.
        workflow: Whose tables.
        tables: Their names.
        run_id: Who publishes.
        stamped: Whether the workflow has models: then only the run that built them last publishes.
        before_shown: Called right before readers are pointed to it, while nobody else publishes; raises TrySuperseded
            where they are not to be.
        log: Told of the wait for the lock and of versions that were swept.

    Raises:
        RunSuperseded: when another run built the models since.
        FatalError: when a table is not there, or no run ever built the models.
        PublishedMeanwhile: when somebody else did, who should have waited.
        TransientError: when a store did not answer.
    """
    names = list(dict.fromkeys(tables))
    place = settings.published / workflow
    versions = versions_at(place)
    with open_warehouse(settings, purpose=f"publish {workflow}", turn=workflow, log=log) as connection:
        if stamped:
            _require_own_build(connection, workflow, run_id)
        relations = _find(connection, workflow, names)
        before = (versions.current() or {}).get("version")
        with versions.new(settings.scratch) as draft:
            described = write_files(
                connection, relations, database=draft.folder / f"{workflow}.duckdb", memory=settings.memory
            )
        files = {name: asdict(stored) for name, stored in draft.files.items()}
        content = {"version": draft.version, "run_id": run_id, "tables": described, "files": files}
        try:
            _show(versions, content, instead_of=before, before_shown=before_shown, kept=settings.keep_snapshots)
        except (TrySuperseded, PublishedMeanwhile):
            versions.drop(draft.version)
            raise
    swept = versions.sweep(keep=before, older_than=settings.keep_snapshots)
    if swept:
        (log or LOG).info("%s: swept the snapshots %s", workflow, ", ".join(swept))
    return _snapshot(place, workflow, content)


def _show(
    versions: Versions,
    content: Mapping[str, Any],
    *,
    instead_of: str | None,
    before_shown: Callable[[], None],
    kept: timedelta,
) -> None:
    """Point readers to a version while they find the one that was current when it began."""

    def may(found: Mapping[str, Any]) -> bool:
        before_shown()
        return found.get("version") == instead_of

    # Whoever publishes waits for his turn; a server that holds the turns may have forgotten ours.
    if not versions.point_to(content, may=may, kept=kept):
        raise PublishedMeanwhile(content["run_id"])


def current_snapshot(settings: Settings, workflow: str) -> Snapshot | None:
    """Give the version that readers use; None where the workflow never published."""
    place = settings.published / workflow
    content = versions_at(place).current()
    return None if content is None else _snapshot(place, workflow, content)


def snapshot_of_table(settings: Settings, workflow: str, table: str) -> Snapshot:
    """Give the version in which readers find a published table now.

    Raises:
        InputError: when it is not published; the text says what is.
    """
    snapshot = current_snapshot(settings, workflow)
    if snapshot is None:
        raise InputError(f"{workflow} has not published anything yet; run it once")
    if table not in snapshot.tables:
        raise InputError(f"{workflow} does not publish {table!r}; it publishes {', '.join(snapshot.tables)}")
    return snapshot


def _snapshot(place: Path | S3Place, workflow: str, content: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        workflow=workflow,
        version=content["version"],
        run_id=content["run_id"],
        place=place,
        tables={name: table["rows"] for name, table in content["tables"].items()},
        columns={name: dict(table["columns"]) for name, table in content["tables"].items()},
        files={name: StoredFile(**stored) for name, stored in content.get("files", {}).items()},
    )


def _require_own_build(connection: DuckDBPyConnection, workflow: str, run_id: str) -> None:
    built = newest(connection, workflow)
    if built is None:
        raise FatalError(f"{workflow}: its models were never built in this warehouse; run its dbt group first")
    if built[0] != run_id:
        raise RunSuperseded(run_id, built[0])


def _find(connection: DuckDBPyConnection, workflow: str, names: Iterable[str]) -> dict[str, str]:
    """Give each table's relation: a model's, else a loaded table's."""
    places = {schema: tables_in(connection, schema) for schema in (model_schema(workflow), staging_schema(workflow))}
    relations, missing = {}, []
    for name in names:
        schema = next((schema for schema, found in places.items() if name.lower() in found), None)
        if schema is None:
            missing.append(name)
        else:
            relations[name] = quote(schema, places[schema][name.lower()])
    if missing:
        there = "; ".join(
            f"schema {schema} has {', '.join(found.values()) or 'none'}" for schema, found in places.items()
        )
        raise FatalError(f"{workflow}: no table to publish under the name of {', '.join(missing)}; {there}")
    return relations
