"""JSON (an array of objects, or objects one after the other) and newline-delimited JSON."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataflow.errors import ContractError
from dataflow.identifiers import literal, quote
from dataflow.sources.columns import Found, check_found, reads_undeclared, tell_apart
from dataflow.sources.fit import time_format
from dataflow.sources.misfit import explained
from dataflow.sources.reading import NO_COLUMN, RawColumn, Reading, SourceFile
from dataflow.sources.scan_sql import Option, scan_call
from dataflow.spec.sources import AS_DECLARED, SchemaContract

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["read_json_files"]

FORMATS = {"json": "auto", "ndjson": "newline_delimited"}
SAMPLE = 1_000
"""Records whose keys are looked at before all are."""


def read_json_files(
    connection: DuckDBPyConnection,
    files: Sequence[SourceFile],
    declared: Mapping[str, str],
    *,
    paths: Mapping[str, str],
    format_name: Literal["json", "ndjson"],
    options: Mapping[str, Option],
    log: logging.Logger,
    contract: SchemaContract = AS_DECLARED,
) -> list[Reading]:
    """Give the reading of all files. A key that a record does not have is NULL; one that no record has is no column.

    ``paths`` says of some columns where in a record they are: keys, joined by dots.

    Raises:
        ContractError: when the keys are not as the contract demands, or a file is not JSON.
    """
    import duckdb

    fixed: dict[str, Option] = {"format": FORMATS[format_name], "hive_partitioning": False}
    # As text, a JSON string would lose its quotes.
    kinds = {name: "JSON" if kind == "JSON" else "VARCHAR" for name, kind in declared.items()}
    keys = {name: paths[name].partition(".")[0] if name in paths else name for name in declared}
    nested = {keys[name] for name in paths}
    sizes = {name: value for name, value in options.items() if name == "maximum_object_size"}

    def reading(found: Found) -> Reading:
        here = {name: key for name, key in keys.items() if name not in found.absent}
        # Undeclared ones as text: nothing says what else a value may be, and the next one may be another.
        as_read = {key: "JSON" if key in nested else kinds[name] for name, key in here.items()}
        as_read |= dict.fromkeys(found.read, "VARCHAR")

        def scan(files: Sequence[Path]) -> str:
            # Without any column the reader would look for some itself.
            wanted = as_read or {NO_COLUMN: "VARCHAR"}
            read = scan_call("read_json", files, {**fixed, **sizes, "auto_detect": False, "columns": wanted})
            if not nested:
                return read
            values = [
                _taken(key, name, path=paths.get(name), kind=kinds[name], nested=nested) for name, key in here.items()
            ]
            values += [quote(name) for name in found.read]
            return f"(select {', '.join(values) or quote(NO_COLUMN)} from {read})"

        columns = [
            RawColumn(name, name if name in here else None, kinds[name], kind, time_format(kind, options))
            for name, kind in declared.items()
        ]
        columns += [RawColumn(name, name, "VARCHAR") for name in found.landed]
        judged = tuple(RawColumn(name, name, "VARCHAR") for name in found.judged)
        return Reading(scan, tuple(columns), tuple(files), undeclared=judged)

    objects = scan_call("read_json_objects", [file.path for file in files], {**fixed, **sizes})
    place = files[0].shown if len(files) == 1 else f"{files[0].shown} and the files after it"
    wanted = [name for name in declared if name not in paths]
    try:
        seen, missing = _keys(connection, f"(select json from {objects} limit {SAMPLE})", paths)
        is_all = not reads_undeclared(contract) and not missing and set(wanted) <= set(seen or ())
        if seen is not None and not is_all:
            seen, missing = _keys(connection, objects, paths)
    except duckdb.Error as error:
        raise explained(connection, [reading(Found())], error) or ContractError(f"{place}: {error}") from None
    if seen is None:
        return [reading(Found())]
    if missing and contract.columns != "evolve":
        shown = ", ".join(f'"{key}"' for key in seen) or "none"
        raise ContractError(f'{place}: no "{paths[missing[0]]}" for the column "{missing[0]}"; records have {shown}')
    for name in missing:
        log.warning('%s: no "%s" for the column "%s"; it is NULL in these rows', place, paths[name], name)
    of_paths = {path.partition(".")[0] for path in paths.values()}
    there = [key for key in seen if key in wanted or key not in of_paths]
    found = check_found(place, wanted, found=there, log=log, contract=contract)
    tell_apart(place, declared, found.read)
    return [reading(replace(found, absent=found.absent | frozenset(missing)))]


def _taken(key: str, name: str, *, path: str | None, kind: str, nested: Collection[str]) -> str:
    """Give the SQL of one column's value, as its name."""
    if key not in nested:
        return quote(key)
    # A null within JSON is a value of its own; here it is none.
    inside = literal(_pointer(path.partition(".")[2]) if path else "")
    text = f"json_extract_string({quote(key)}, {inside})"
    value = f"nullif(json_extract({quote(key)}, {inside}), 'null')" if kind == "JSON" else text
    return f"{value} as {quote(name)}"


def _pointer(path: str) -> str:
    """Write a dotted path as a JSON pointer, which takes every key."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path.split(".") if key)


def _keys(connection: DuckDBPyConnection, objects: str, paths: Mapping[str, str]) -> tuple[list[str] | None, list[str]]:
    """Give the keys of these records, None where there is no record, and the columns whose path is in none of them.

    What is no object has no keys.
    """
    seen = "".join(
        f", (select bool_or(json_exists(json, {literal(_pointer(path))})) from {objects})" for path in paths.values()
    )
    rows, keys, *are_there = connection.execute(
        f"select (select count(*) from {objects}), "
        f"(select list(distinct key order by key) from (select unnest(json_keys(json)) as key from {objects})){seen}"
    ).fetchall()[0]
    missing = [name for name, is_there in zip(paths, are_there, strict=True) if not is_there]
    return ((keys or []), missing) if rows else (None, [])
