"""Write one batch: Parquet first, the manifest last, then the pointer that others follow."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import LandingError, StepError
from dataflow.identifiers import literal, quote
from dataflow.landing import files
from dataflow.landing.current import set_current, window_folder
from dataflow.landing.keys import run_key
from dataflow.landing.manifest import MANIFEST, Manifest, Part
from dataflow.landing.parquet_types import kept_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from dataflow.interval import Interval
    from dataflow.s3.place import S3Place

__all__ = ["Batch", "write_batch"]


@dataclass(slots=True)
class Batch:
    """A batch that is being written; nobody sees it before `commit`."""

    landing: Path | S3Place
    workflow: str
    table: str
    window: Interval
    run_id: str
    try_number: int
    folder: str
    drafts: Path
    """Where files are written before they become visible in ``folder``."""
    parts: list[Part] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)

    def copy(self, connection: DuckDBPyConnection, query: str) -> int:
        """Write the rows of a query as one more Parquet file and give their number.

        Raises:
            LandingError: when its columns are not those of the files before it.
        """
        name = f"part-{len(self.parts):04}.parquet"
        draft = self.drafts / (name + files.DRAFT)
        written = connection.execute(
            f"copy ({_storable(connection, query)}) to {literal(str(draft))} "
            # Half the size of DuckDB's default at its cost; the level that zstd takes of its own costs a fifth more.
            # A group of rows lies in memory, as rows, until it is written: half as many take half as much.
            "(format parquet, compression zstd, compression_level 1, row_group_size 61440, use_tmp_file false)"
        ).fetchone()
        columns = columns_of(connection, f"select * from read_parquet({literal(str(draft))}, hive_partitioning=false)")
        if self.parts and columns != self.columns:
            raise LandingError(f"{name} has columns {columns}, the parts before it have {self.columns}")
        size, sha256 = files.fingerprint(draft)
        files.put(draft, files.join(self.folder, name), sha256=sha256)
        self.columns = columns
        rows = int(written[0]) if written else 0
        self.parts.append(Part(name, rows, size, sha256))
        return rows

    def commit(
        self,
        *,
        cut_rows: int = 0,
        discarded_rows: int = 0,
        quarantined_rows: int = 0,
        absent: Sequence[str] = (),
        undeclared: Sequence[str] = (),
        misfits: Sequence[str] = (),
        contract: Mapping[str, str] | None = None,
        current: bool = True,
        may: Callable[[], object] = lambda: None,
    ) -> Manifest:
        """Write the manifest, which makes the batch one, and let ``current.json`` name it unless told otherwise.

        ``may`` is called before both, and raises where this batch may not take another's place; what it knows of who
        else writes holds until others see the batch.

        Raises:
            LandingError: when nothing was copied; a batch of no rows still has one file, for its columns.
        """
        if not self.parts:
            raise LandingError(f"{self.workflow}.{self.table}: a batch without any file; copy its rows first")
        may()
        manifest = Manifest(
            workflow=self.workflow,
            table=self.table,
            run_id=self.run_id,
            window=self.window,
            try_number=self.try_number,
            parts=tuple(self.parts),
            columns=dict(self.columns),
            cut_rows=cut_rows,
            created_at=datetime.now(UTC),
            folder=self.folder,
            discarded_rows=discarded_rows,
            quarantined_rows=quarantined_rows,
            absent=tuple(absent),
            undeclared=tuple(undeclared),
            misfits=tuple(misfits),
            contract=dict(contract or {}),
        )
        files.replace(manifest.uri, json.dumps(manifest.to_json(), indent=1).encode())
        if current:
            set_current(self.landing, manifest, may=lambda: may() is None)
        return manifest


@contextmanager
def write_batch(
    landing: Path | S3Place,
    *,
    workflow: str,
    table: str,
    window: Interval,
    run_id: str,
    try_number: int,
    scratch: Path,
    area: str | None = None,
) -> Iterator[Batch]:
    """Open a batch of its own: ``<window key>/<run key>/<try>-<uuid>/``. Writers of one window never meet.

    Named by an ``area`` it lies beside the workflows' folders, in one that is called so.

    Left without a commit, or by an error, its files are deleted; after ``kill -9`` the sweep does that. What goes to S3
    is written to ``scratch`` first.
    """
    name = f"{try_number}-{uuid.uuid4().hex}"
    top = landing if area is None else files.join(landing, area)
    folder = files.join(window_folder(top, workflow, table=table, window=window), run_key(run_id), name)
    files.create_folder(folder)
    try:
        with files.drafts(folder, scratch) as drafts:
            yield Batch(landing, workflow, table, window, run_id, try_number, folder, drafts)
    finally:
        with suppress(StepError):  # nobody knows whether it was committed: nothing is deleted
            if files.read(files.join(folder, MANIFEST)) is None:
                files.delete_folder(folder)


def columns_of(connection: DuckDBPyConnection, query: str) -> dict[str, str]:
    """Give the names and DuckDB types of a query's columns; no row is read."""
    return {row[0]: row[1] for row in connection.execute(f"describe {query}").fetchall()}


def _storable(connection: DuckDBPyConnection, query: str) -> str:
    columns = columns_of(connection, query).items()
    wide = {name: kept for name, kind in columns if (kept := kept_as(kind)) is not None}
    if not wide:
        return query
    casts = ", ".join(f"cast({quote(name)} as {kind}) as {quote(name)}" for name, kind in wide.items())
    return f"select * replace ({casts}) from ({query})"
