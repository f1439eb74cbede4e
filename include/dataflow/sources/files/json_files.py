"""JSON (an array of objects, or objects one after the other) and newline-delimited JSON."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataflow.errors import ContractError
from dataflow.sources.contract.columns import (
    Found,
    check_found,
    key_is_gone,
    keys_of_columns,
    tell_apart,
)
from dataflow.sources.contract.misfit import explained
from dataflow.sources.files.changed_numbers import Exact, exact_columns
from dataflow.sources.files.exact_numbers import MAX_GROWTH, marked_copy
from dataflow.sources.files.file_keys import files_without
from dataflow.sources.files.json_keys import RecordKeys, keys_of_records
from dataflow.sources.files.json_rows import JsonRows
from dataflow.sources.files.scan_sql import Option
from dataflow.sources.reading import Reading, SourceFile
from dataflow.spec.sources import AS_DECLARED, SchemaContract

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["read_json_files"]

ROOM = 16 << 20
"""Bytes of a record that DuckDB's reader takes without being told."""
FORMATS = {"json": "auto", "ndjson": "newline_delimited"}


def read_json_files(
    connection: DuckDBPyConnection,
    files: Sequence[SourceFile],
    declared: Mapping[str, str],
    *,
    paths: Mapping[str, str],
    format_name: Literal["json", "ndjson"],
    options: Mapping[str, Option],
    log: logging.Logger,
    scratch: Path,
    contract: SchemaContract = AS_DECLARED,
) -> list[Reading]:
    """Give the reading of all files. A key that a record does not have is NULL; one that no record has is no column.

    ``paths`` says of some columns where in a record they are: keys, joined by dots. Where a column would get another
    number than the one that is written, copies in ``scratch`` are read in which numbers are marked, see
    `changed_numbers` and `exact_numbers`.

    Raises:
        ContractError: when the keys are not as the contract demands, or a file is not JSON.
    """
    import duckdb

    reader: dict[str, Option] = {"format": FORMATS[format_name], "hive_partitioning": False}
    reader |= {name: value for name, value in options.items() if name == "maximum_object_size"}
    rows = JsonRows(declared, paths, reader, options)
    objects, place = rows.objects(files), _place(files)
    ways = keys_of_columns(declared, paths)
    exact = exact_columns(declared, ways)
    try:
        seen = keys_of_records(connection, objects, paths, exact=exact)
        without = files_without(connection, files, ways, objects=rows.objects)
    except duckdb.Error as error:
        raise explained(connection, [rows.reading(files)], error) or ContractError(f"{place}: {error}") from None
    if not seen.records:
        return [rows.reading(files)]
    _check_paths(place, seen, paths, log=log, contract=contract)
    for each in without:
        of, key = f"the file's {each.records} records", paths.get(each.column, each.column)
        key_is_gone(each.file.place(1, "record"), key, of, found=each.found, log=log, contract=contract)
    found = _found(place, rows, seen, log=log, contract=contract)
    are_marked = _need_marks(connection, objects, files, exact=exact, seen=seen, others=found.read)
    if are_marked:
        rows = replace(rows, reader=reader | _room_for_marks(connection, objects, reader))
        files = [marked_copy(file, scratch / "marked") for file in files]
    return [rows.reading(files, replace(found, absent=found.absent | {*seen.missing}), are_marked=are_marked)]


def _place(files: Sequence[SourceFile]) -> str:
    return files[0].shown if len(files) == 1 else f"{files[0].shown} and the files after it"


def _check_paths(
    place: str, seen: RecordKeys, paths: Mapping[str, str], *, log: logging.Logger, contract: SchemaContract
) -> None:
    """Refuse a path that no record has, or tell of it where the contract lets columns change."""
    if seen.missing and contract.columns != "evolve":
        first, shown = seen.missing[0], ", ".join(f'"{key}"' for key in seen.keys) or "none"
        raise ContractError(f'{place}: no "{paths[first]}" for the column "{first}"; records have {shown}')
    for name in seen.missing:
        log.warning('%s: no "%s" for the column "%s"; it is NULL in these rows', place, paths[name], name)


def _found(place: str, rows: JsonRows, seen: RecordKeys, *, log: logging.Logger, contract: SchemaContract) -> Found:
    """Compare the keys with the columns that have no path; the first key of a path is no column of its own."""
    wanted = [name for name in rows.declared if name not in rows.paths]
    of_paths = {path.partition(".")[0] for path in rows.paths.values()}
    there = [key for key in seen.keys if key in wanted or key not in of_paths]
    found = check_found(place, wanted, found=there, log=log, contract=contract)
    tell_apart(place, rows.declared, found.read)
    return found


def _need_marks(
    connection: DuckDBPyConnection,
    objects: str,
    files: Sequence[SourceFile],
    *,
    exact: Exact,
    seen: RecordKeys,
    others: Sequence[str],
) -> bool:
    """Tell whether any number would be another for one of the columns, or of the others, which are read as text."""
    of_others = exact_columns(dict.fromkeys(others, "VARCHAR"), {name: (name,) for name in others})
    texts = (exact.texts if seen.have_fractions_in_texts else ()) + of_others.texts
    if not seen.have_fractions and not (of_others.texts and _any(connection, objects, of_others.may_be_there)):
        return False
    asked = replace(exact, texts=texts)
    return asked.may_be_in(file.path for file in files) and _any(connection, objects, asked.are_there)


def _any(connection: DuckDBPyConnection, objects: str, when: str) -> bool:
    """Tell whether what SQL asks holds for any record."""
    return bool(connection.execute(f"select bool_or({when}) from {objects}").fetchall()[0][0])


def _room_for_marks(connection: DuckDBPyConnection, objects: str, reader: Mapping[str, Option]) -> dict[str, Option]:
    """Give the reader's room for a record with marks, where it has less."""
    (longest,) = connection.execute(f"select max(strlen(json)) from {objects}").fetchall()[0]
    room = int(str(reader.get("maximum_object_size", ROOM)))
    return {"maximum_object_size": max(room, longest * MAX_GROWTH)}
