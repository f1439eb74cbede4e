"""What a batch is: the file that is written last and makes the batch visible."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from dataflow.duckdb_memory import NO_ROOM
from dataflow.errors import LandingError
from dataflow.interval import Interval
from dataflow.landing import files

__all__ = [
    "MANIFEST",
    "METADATA_PREFIX",
    "Manifest",
    "Part",
    "local_files",
    "part_paths",
    "read_manifest",
    "schema_hash",
    "verify",
]

MANIFEST = "manifest.json"
METADATA_PREFIX = "_dataflow"
"""How the names of our own columns begin; no data column's does."""
MEND = "clear the ingest task to read it again"


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of a batch."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A committed batch. It and the files it names never change."""

    workflow: str
    table: str
    run_id: str
    window: Interval
    try_number: int
    parts: tuple[Part, ...]
    columns: Mapping[str, str]
    """Names and DuckDB types as the Parquet has them, in its order, our own ``_dataflow`` columns included."""
    cut_rows: int
    """Rows that were read but lay outside the range of the cursor."""
    created_at: datetime
    folder: str = field(compare=False, default="")
    """Where the manifest and its parts lie. Not written: a landing may be moved or copied as a whole."""
    discarded_rows: int = 0
    """Rows that were read and left out, as the source's ``schema_contract`` says."""
    quarantined_rows: int = 0
    """Rows that were read and set aside, as the source's ``schema_contract`` says."""
    absent: tuple[str, ...] = ()
    """Columns that are NULL in every row because the source did not have them."""
    undeclared: tuple[str, ...] = ()
    """Columns that the source had, that nobody declared, and that are not landed."""
    misfits: tuple[str, ...] = ()
    """Columns of which some values did not fit their type."""
    contract: Mapping[str, str] = field(default_factory=dict)
    """What was made of those: the mode of its ``columns`` and of its ``data_type``."""

    @property
    def uri(self) -> str:
        """The name that receipts carry and `read_manifest` takes."""
        return files.join(self.folder, MANIFEST)

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def rows_read(self) -> int:
        """Rows that the source gave, whatever became of them."""
        return self.rows + self.cut_rows + self.discarded_rows + self.quarantined_rows

    @property
    def bytes(self) -> int:
        """Size of all parts."""
        return sum(part.bytes for part in self.parts)

    @property
    def data_columns(self) -> dict[str, str]:
        """The columns without our own."""
        return {name: kind for name, kind in self.columns.items() if not name.startswith(METADATA_PREFIX)}

    @property
    def schema_hash(self) -> str:
        """16 hex digits; another name, type or order of the data's columns gives another."""
        return schema_hash(self.data_columns)

    def to_json(self) -> dict[str, Any]:
        """Give what ``manifest.json`` holds."""
        return {
            "workflow": self.workflow,
            "table": self.table,
            "run_id": self.run_id,
            "window": self.window.to_json(),
            "try_number": self.try_number,
            "parts": [
                {"name": part.name, "rows": part.rows, "bytes": part.bytes, "sha256": part.sha256}
                for part in self.parts
            ],
            "columns": dict(self.columns),
            "rows": self.rows,
            "bytes": self.bytes,
            "schema_hash": self.schema_hash,
            "cut_rows": self.cut_rows,
            "discarded_rows": self.discarded_rows,
            "quarantined_rows": self.quarantined_rows,
            "absent": list(self.absent),
            "undeclared": list(self.undeclared),
            "misfits": list(self.misfits),
            "contract": dict(self.contract),
            "created_at": self.created_at.astimezone(UTC).isoformat(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], *, folder: str = "") -> Self:
        """Read what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: when it did not.
        """
        return cls(
            workflow=value["workflow"],
            table=value["table"],
            run_id=value["run_id"],
            window=Interval.from_json(value["window"]),
            try_number=value["try_number"],
            parts=tuple(Part(part["name"], part["rows"], part["bytes"], part["sha256"]) for part in value["parts"]),
            columns=dict(value["columns"]),
            cut_rows=value["cut_rows"],
            created_at=datetime.fromisoformat(value["created_at"]),
            folder=folder,
            discarded_rows=value.get("discarded_rows", 0),
            quarantined_rows=value.get("quarantined_rows", 0),
            absent=tuple(value.get("absent", ())),
            undeclared=tuple(value.get("undeclared", ())),
            misfits=tuple(value.get("misfits", ())),
            contract=dict(value.get("contract", {})),
        )


def schema_hash(columns: Mapping[str, str]) -> str:
    """Hash names and types, in order."""
    return hashlib.sha256(json.dumps(list(columns.items())).encode()).hexdigest()[:16]


def read_manifest(uri: str) -> Manifest:
    """Read a committed batch's manifest; its parts are not looked at, see `verify`.

    Raises:
        LandingError: when it is missing or is no manifest.
    """
    content = files.read(uri)
    if content is None:
        raise LandingError(f"no manifest {uri}: the batch was deleted; {MEND}")
    try:
        return Manifest.from_json(json.loads(content), folder=uri.rpartition("/")[0])
    except (KeyError, TypeError, ValueError) as error:
        raise LandingError(f"{uri} is damaged ({error!r}); {MEND}") from None


def part_paths(manifest: Manifest) -> list[str]:
    """Give the names of the batch's Parquet files in the landing; to read them, see `local_files`."""
    return [files.join(manifest.folder, part.name) for part in manifest.parts]


def verify(manifest: Manifest) -> None:
    """Read every part and compare it with the manifest.

    Raises:
        LandingError: when one is missing, cut short or changed.
        TransientError: when the landing did not answer.
    """
    for part, path in _parts(manifest):
        with _told(path):
            _compare(part, path, found=files.fingerprint(path))


def local_files(manifest: Manifest, into: Path) -> list[str]:
    """Give the batch's Parquet files on this machine, each compared with the manifest: every reader comes through here.

    Args:
        manifest: The batch.
        into: A folder of the task's own for copies of what lies elsewhere; files on a disk are read where they are.

    Raises:
        LandingError: when one is missing, cut short or changed.
        TransientError: when the landing did not answer.
    """
    paths = []
    for part, name in _parts(manifest):
        with _told(name):
            path, size, sha256 = files.fetch(name, into)
            _compare(part, name, found=(size, sha256))
        paths.append(str(path))
    return paths


def _parts(manifest: Manifest) -> list[tuple[Part, str]]:
    return list(zip(manifest.parts, part_paths(manifest), strict=True))


@contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:  # of this machine, for a copy
            raise
        raise LandingError(f"{path} cannot be read ({error.strerror}); {MEND}") from error


def _compare(part: Part, path: str, *, found: tuple[int, str]) -> None:
    size, sha256 = found
    if size != part.bytes:
        raise LandingError(f"{path} has {size} bytes, its manifest says {part.bytes}; {MEND}")
    if sha256 != part.sha256:
        raise LandingError(f"{path} has another sha256 than its manifest says; {MEND}")
