"""JSON (an array of objects, or objects one after the other) and newline-delimited JSON."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataflow.errors import ContractError
from dataflow.identifiers import literal, quote
from dataflow.sources.contract.columns import (
    Found,
    check_found,
    key_is_gone,
    keys_of_columns,
    tell_apart,
)
from dataflow.sources.contract.fit import text_format
from dataflow.sources.contract.misfit import explained
from dataflow.sources.contract.nested import is_nested
from dataflow.sources.contract.way_out import HOW_TIMES_ARE_WRITTEN
from dataflow.sources.files.changed_numbers import Exact, exact_columns
from dataflow.sources.files.exact_numbers import MAX_GROWTH, marked_copy, unmarked
from dataflow.sources.files.file_keys import FileWithout, files_without, pointer
from dataflow.sources.files.scan_sql import Option, scan_call
from dataflow.sources.reading import NO_COLUMN, Marked, RawColumn, Reading, SourceFile
from dataflow.spec.sources import AS_DECLARED, SchemaContract

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["read_json_files"]

ROOM = 16 << 20
"""Bytes of a record that DuckDB's reader takes without being told."""
FORMATS = {"json": "auto", "ndjson": "newline_delimited"}
AS_RECORDS: dict[str, Option] = {"auto_detect": False, "records": True}
"""Left to itself the reader makes texts of all records where one column is wanted and one record is no object."""
WITH_MARKS = "dataflow: marked "
"""Before the name of a column beside one of the same values."""
SAMPLE = 1_000
"""Records that are asked for the columns' paths before all are; as few are all that is asked of a small source."""


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

    fixed: dict[str, Option] = {"format": FORMATS[format_name], "hive_partitioning": False}
    # As text, a JSON string would lose its quotes.
    kinds = {name: "JSON" if kind == "JSON" else "VARCHAR" for name, kind in declared.items()}
    keys = {name: paths[name].partition(".")[0] if name in paths else name for name in declared}
    nested = {keys[name] for name in paths}
    deep = {name for name, kind in declared.items() if is_nested(kind) and kind != "JSON"}
    are_marked = False
    sizes = {name: value for name, value in options.items() if name == "maximum_object_size"}

    def reading(found: Found) -> Reading:
        here = {name: key for name, key in keys.items() if name not in found.absent}
        # Undeclared ones as text: nothing says what else a value may be, and the next one may be another.
        as_read = {key: "JSON" if key in nested else kinds[name] for name, key in here.items()}
        as_read |= dict.fromkeys(found.read, "VARCHAR")

        def scan(files: Sequence[Path]) -> str:
            # Without any column the reader would look for some itself.
            wanted = as_read or {NO_COLUMN: "VARCHAR"}
            read = scan_call("read_json", files, {**fixed, **sizes, **AS_RECORDS, "columns": wanted})
            rows = _by_path(read, here, found.read, paths=paths, kinds=kinds, nested=nested) if nested else read
            types = {name: declared[name] for name in here} | dict.fromkeys(found.read, "VARCHAR")
            return _without_marks(rows, types, marked) if are_marked else rows

        marked = {name: Marked(f"{WITH_MARKS}{name}", unmarked) for name in here if are_marked and name in deep}
        columns = [
            RawColumn(
                name,
                name if name in here else None,
                kinds[name],
                kind,
                text_format(kind, options),
                unset=HOW_TIMES_ARE_WRITTEN - options.keys(),
                marked=marked.get(name),
            )
            for name, kind in declared.items()
        ]
        columns += [RawColumn(name, name, "VARCHAR") for name in found.landed]
        judged = tuple(RawColumn(name, name, "VARCHAR") for name in found.judged)
        return Reading(scan, tuple(columns), tuple(files), undeclared=judged, left_out=found.left_out)

    def objects_of(files: Sequence[SourceFile]) -> str:
        return scan_call("read_json_objects", [file.path for file in files], {**fixed, **sizes})

    objects = objects_of(files)
    place = files[0].shown if len(files) == 1 else f"{files[0].shown} and the files after it"
    wanted = [name for name in declared if name not in paths]
    ways = keys_of_columns(declared, paths)
    exact = exact_columns(declared, ways)
    try:
        seen, missing, are_fractions, are_in_texts = _keys(connection, objects, paths, exact)
        without = files_without(connection, files, ways, objects=objects_of)
    except duckdb.Error as error:
        raise explained(connection, [reading(Found())], error) or ContractError(f"{place}: {error}") from None
    if seen is None:
        return [reading(Found())]
    if missing and contract.columns != "evolve":
        shown = ", ".join(f'"{key}"' for key in seen) or "none"
        raise ContractError(f'{place}: no "{paths[missing[0]]}" for the column "{missing[0]}"; records have {shown}')
    _tell_gone(without, paths, log=log, contract=contract)
    for name in missing:
        log.warning('%s: no "%s" for the column "%s"; it is NULL in these rows', place, paths[name], name)
    of_paths = {path.partition(".")[0] for path in paths.values()}
    there = [key for key in seen if key in wanted or key not in of_paths]
    found = check_found(place, wanted, found=there, log=log, contract=contract)
    tell_apart(place, declared, found.read)
    others = exact_columns(dict.fromkeys(found.read, "VARCHAR"), {name: (name,) for name in found.read})
    texts = (exact.texts if are_in_texts else ()) + others.texts
    if (are_fractions or (others.texts and _any(connection, objects, others.may_be_there))) and _are_changed(
        connection, objects, files, replace(exact, texts=texts)
    ):
        sizes |= _size_of_marked(connection, objects, sizes)
        files, are_marked = [marked_copy(file, scratch / "marked") for file in files], True
    return [reading(replace(found, absent=found.absent | frozenset(missing)))]


def _tell_gone(
    without: Sequence[FileWithout], paths: Mapping[str, str], *, log: logging.Logger, contract: SchemaContract
) -> None:
    for each in without:
        of, key = f"the file's {each.records} records", paths.get(each.column, each.column)
        key_is_gone(each.file.place(1, "record"), key, of, found=each.found, log=log, contract=contract)


def _by_path(
    rows: str,
    keys: Mapping[str, str],
    others: Sequence[str],
    *,
    paths: Mapping[str, str],
    kinds: Mapping[str, str],
    nested: Collection[str],
) -> str:
    """Give the rows with each column, of which ``keys`` says the record's key, taken from where its path says."""
    values = [_taken(key, name, path=paths.get(name), kind=kinds[name], nested=nested) for name, key in keys.items()]
    values += [quote(name) for name in others]
    return f"(select {', '.join(values) or quote(NO_COLUMN)} from {rows})"


def _without_marks(rows: str, types: Mapping[str, str], marked: Mapping[str, Marked]) -> str:
    """Give the rows with these columns as they were before numbers were marked, and some with their marks beside."""
    values = [f"{unmarked(quote(name), kind)} as {quote(name)}" for name, kind in types.items()]
    values += [f"{quote(name)} as {quote(beside.raw)}" for name, beside in marked.items()]
    return f"(select {', '.join(values)} from {rows})" if values else rows


def _taken(key: str, name: str, *, path: str | None, kind: str, nested: Collection[str]) -> str:
    """Give the SQL of one column's value, as its name."""
    if key not in nested:
        return quote(key)
    # A null within JSON is a value of its own; here it is none.
    inside = literal(pointer(path.split(".")[1:]) if path else "")
    text = f"json_extract_string({quote(key)}, {inside})"
    value = f"nullif(json_extract({quote(key)}, {inside}), 'null')" if kind == "JSON" else text
    return f"{value} as {quote(name)}"


def _keys(
    connection: DuckDBPyConnection, objects: str, paths: Mapping[str, str], exact: Exact
) -> tuple[list[str] | None, list[str], bool, bool]:
    """Give the keys of all records, None where there is no record, and the columns whose path is in none of them.

    And whether a fraction may be in one of the ``exact`` columns, and in one of texts. What is no object has no keys.
    """
    few = f"(select json from {objects} limit {SAMPLE})"
    number, missing, fractions, _ = _asked_of(connection, few, paths, exact=exact, known="true")
    keys = _all_keys(connection, few)
    if number == SAMPLE:
        rest = {name: paths[name] for name in missing}
        known = _has_keys_of(connection, few, keys)
        number, missing, fractions, are_known = _asked_of(connection, objects, rest, exact=exact, known=known)
        keys = keys if are_known else _all_keys(connection, objects)
    return (keys if number else None), (missing if number else []), *fractions


def _asked_of(
    connection: DuckDBPyConnection,
    objects: str,
    paths: Mapping[str, str],
    *,
    exact: Exact,
    known: str,
) -> tuple[int, list[str], tuple[bool, bool], bool]:
    """Give in one pass the number of records, what `_keys` says of them, and whether ``known`` holds for each."""
    asked = "".join(f", bool_or(json_exists(json, {literal(pointer(path.split('.')))}))" for path in paths.values())
    fractions = f"bool_or({exact.may_be_there}), bool_or({exact.may_be_in_texts})"
    number, are_fractions, are_in_texts, are_known, *are_there = connection.execute(
        f"select count(*), {fractions}, bool_and({known}){asked} from {objects}"
    ).fetchall()[0]
    missing = [name for name, is_there in zip(paths, are_there, strict=True) if not is_there]
    return number, missing, (bool(are_fractions), bool(are_in_texts)), bool(are_known)


def _all_keys(connection: DuckDBPyConnection, objects: str) -> list[str]:
    keys = f"select list(distinct key order by key) from (select unnest(json_keys(json)) as key from {objects})"
    return connection.execute(keys).fetchall()[0][0] or []


def _has_keys_of(connection: DuckDBPyConnection, few: str, keys: Sequence[str]) -> str:
    """Give the SQL that tells of a record whether it has no other keys; quickly, where it has those of the first."""
    (usual,) = connection.execute(f"select json_keys(json) from {few} limit 1").fetchall()[0]
    first, all_of_them = (f"[{', '.join(map(literal, each or ()))}]::VARCHAR[]" for each in (usual, keys))
    return f"case when json_keys(json) = {first} then true else list_has_all({all_of_them}, json_keys(json)) end"


def _are_changed(connection: DuckDBPyConnection, objects: str, files: Sequence[SourceFile], exact: Exact) -> bool:
    """Tell whether any number would be another for one of the columns."""
    return exact.may_be_in(file.path for file in files) and _any(connection, objects, exact.are_there)


def _any(connection: DuckDBPyConnection, objects: str, when: str) -> bool:
    """Tell whether what SQL asks holds for any record."""
    return bool(connection.execute(f"select bool_or({when}) from {objects}").fetchall()[0][0])


def _size_of_marked(connection: DuckDBPyConnection, objects: str, sizes: Mapping[str, Option]) -> dict[str, Option]:
    """Give the reader's room for a record with marks, where it has less."""
    (longest,) = connection.execute(f"select max(strlen(json)) from {objects}").fetchall()[0]
    room = int(str(sizes.get("maximum_object_size", ROOM)))
    return {"maximum_object_size": max(room, longest * MAX_GROWTH)}
