"""Files of JSON that have a declared key in none of their records: a schema that changes between two files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import literal
from dataflow.sources.reading import SourceFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["FileWithout", "files_without", "pointer"]

SAMPLE = 1_000
"""Records of a file whose keys are looked at before all are."""


@dataclass(frozen=True, slots=True)
class FileWithout:
    """A file whose records lack a column that every record of the files with it has."""

    column: str
    file: SourceFile
    records: int
    found: tuple[str, ...] = ()
    """The keys of its first record."""


def files_without(
    connection: DuckDBPyConnection,
    files: Sequence[SourceFile],
    wanted: Mapping[str, Sequence[str]],
    *,
    objects: Callable[[Sequence[SourceFile]], str],
) -> list[FileWithout]:
    """Give for each column that is gone from some files, and in every record of the others, the first of them.

    A key that only some records have is no promise of the source: it may be missing from all of a file.

    Args:
        connection: Reads them.
        files: In the order in which they are read.
        wanted: Where in a record each declared column is: the keys on the way.
        objects: Gives the FROM clause that reads files, each record as ``json``.
    """
    without: dict[str, dict[Path, FileWithout]] = {}
    filled = []
    for file in files if len(files) > 1 and wanted else ():
        lacking, records = _lacking(connection, f"(select json from {objects([file])} limit {SAMPLE})", wanted)
        if lacking and records == SAMPLE:
            lacking, records = _lacking(connection, objects([file]), {name: wanted[name] for name in lacking})
        if records:
            filled.append(file)
            for name in lacking:
                without.setdefault(name, {})[file.path] = FileWithout(name, file, records)
    gone = []
    for name, those in without.items():
        others = [file for file in filled if file.path not in those]
        if others and _is_in_every(connection, objects(others), wanted[name]):
            first = next(iter(those.values()))
            gone.append(replace(first, found=_first_keys(connection, objects([first.file]))))
    return gone


def pointer(keys: Sequence[str]) -> str:
    """Write the way to a value as a JSON pointer, which takes every key."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def _lacking(
    connection: DuckDBPyConnection, objects: str, wanted: Mapping[str, Sequence[str]]
) -> tuple[list[str], int]:
    """Give the columns that no record has, and the number of records."""
    asked = "".join(f", bool_or({_has(keys)})" for keys in wanted.values())
    records, *are_there = connection.execute(f"select count(*){asked} from {objects}").fetchall()[0]
    return [name for name, is_there in zip(wanted, are_there, strict=True) if not is_there], records


def _first_keys(connection: DuckDBPyConnection, objects: str) -> tuple[str, ...]:
    (keys,) = connection.execute(f"select json_keys(json) from {objects} limit 1").fetchall()[0]
    return tuple(keys or ())


def _is_in_every(connection: DuckDBPyConnection, objects: str, keys: Sequence[str]) -> bool:
    return not connection.execute(f"select 1 from {objects} where not {_has(keys)} limit 1").fetchall()


def _has(keys: Sequence[str]) -> str:
    """Give the SQL that tells whether a record has the key, or nothing on the way in which it could be."""
    ways = [f"json_exists(json, {literal(pointer(keys))})"]
    ways += [
        f"coalesce(json_type(json, {literal(pointer(keys[:depth]))}) <> 'OBJECT', false)"
        for depth in range(1, len(keys))
    ]
    return f"({' or '.join(ways)})"
