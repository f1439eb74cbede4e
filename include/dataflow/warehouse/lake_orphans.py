"""Data files of a DuckLake that no transaction of its catalog ever committed: those of tasks that were killed.

DuckLake knows which files it does not know, not whose they are: another lake's in the same place would go too. So a
place carries a mark, the object ``_dataflow_lake``, that says whose it is, and only files called as DuckLake calls its
own ever go.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import FatalError
from dataflow.identifiers import literal, quote
from dataflow.landing import files
from dataflow.s3.place import S3Place
from dataflow.warehouse.lake import CATALOG

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.ducklake import DuckLake

__all__ = ["KEPT", "MARK", "claim_place", "delete_orphans"]

MARK = "_dataflow_lake"
"""What it holds is the id of the lake, and nothing else."""
KEPT = timedelta(hours=24)
"""Longer than any transaction runs: its files are unknown until it commits."""

_DATA_FILE = re.compile(r"ducklake-[0-9a-f-]{36}(-delete)?\.parquet")


def claim_place(connection: DuckDBPyConnection, lake: DuckLake, place: Path | S3Place) -> None:
    """Mark the place of a lake's data as its own, unless files of unknown origin lie there.

    Raises:
        FatalError: when it is another lake's.
    """
    own, found = _id_of(connection, lake), _owner(place)
    if found not in (None, own):
        raise FatalError(
            f"DATAFLOW_WAREHOUSE_DATA: {place} holds the data of another lake than {lake}, as its {MARK} says, and "
            f"the upkeep of each would delete files of the other; give each a folder of its own. {_way_out(place, own)}"
        )
    if found is None and not _unknown(connection, place, older_than=timedelta(0)):
        if isinstance(place, Path):
            place.mkdir(parents=True, exist_ok=True)
        files.replace(files.join(place, MARK), own.encode())


def delete_orphans(
    connection: DuckDBPyConnection,
    lake: DuckLake,
    place: Path | S3Place,
    *,
    dry_run: bool,
    older_than: timedelta = KEPT,
) -> list[str]:
    """Delete data files that the catalog does not know and that were written longer ago; tell how many.

    Where the place is not marked as this lake's own nothing goes, and a line says why.
    """
    orphans = _unknown(connection, place, older_than=older_than)
    if not orphans:
        return []
    own, found = _id_of(connection, lake), _owner(place)
    if found != own:
        whose = "another lake's" if found else "not marked as this lake's own"
        return [
            f"{len(orphans)} data files that the catalog does not know are left, for {place} is {whose}. "
            + _way_out(place, own)
        ]
    if not dry_run:
        files.delete(*orphans)
    return [f"{len(orphans)} data files of killed transactions"]


def _way_out(place: Path | S3Place, own: str) -> str:
    return f"If no other lake keeps data there, write {own} into {files.join(place, MARK)}"


def _id_of(connection: DuckDBPyConnection, lake: DuckLake) -> str:
    """Give the id that DuckLake gave the catalog's first schema; it lives as long as the catalog."""
    schemas = quote(f"__ducklake_metadata_{CATALOG}", lake.schema, "ducklake_schema")
    row = connection.execute(f"SELECT CAST(schema_uuid AS VARCHAR) FROM {schemas} WHERE schema_id = 0").fetchone()
    if row is None:
        raise FatalError(f"{lake}: its catalog has no first schema")
    return str(row[0])


def _owner(place: Path | S3Place) -> str | None:
    content = files.read(files.join(place, MARK))
    return None if content is None else content.decode(errors="replace").strip()


def _unknown(connection: DuckDBPyConnection, place: Path | S3Place, *, older_than: timedelta) -> list[str]:
    """Give the names of data files, ours or not, that the catalog does not know."""
    found = connection.execute(
        f"CALL ducklake_delete_orphaned_files({literal(CATALOG)}, dry_run => true, "
        f"older_than => now() - INTERVAL {int(older_than.total_seconds())} SECOND)"
    ).fetchall()
    names = [str(path) for (path,) in found if _DATA_FILE.fullmatch(str(path).rpartition("/")[2])]
    if isinstance(place, S3Place):  # DuckDB knows the store by its secret
        shown = str(replace(place, connection=""))
        return [str(place) + name.removeprefix(shown) for name in names]
    return names
