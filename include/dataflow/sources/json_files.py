"""JSON (an array of objects, or objects one after the other) and newline-delimited JSON."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataflow.errors import ContractError
from dataflow.identifiers import literal, quote
from dataflow.sources.columns import check_found
from dataflow.sources.fit import time_format
from dataflow.sources.misfit import explained
from dataflow.sources.reading import RawColumn, Reading, SourceFile
from dataflow.sources.scan_sql import Option, scan_call

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
) -> list[Reading]:
    """Give the reading of all files. A key that a record does not have is NULL; one that no record has is an error.

    ``paths`` says of some columns where in a record they are: keys, joined by dots.

    Raises:
        ContractError: when a declared column is in no record, or a file is not JSON.
    """
    fixed: dict[str, Option] = {"format": FORMATS[format_name], "hive_partitioning": False}
    # As text, a JSON string would lose its quotes.
    kinds = {name: "JSON" if kind == "JSON" else "VARCHAR" for name, kind in declared.items()}
    keys = {name: paths[name].partition(".")[0] if name in paths else name for name in declared}
    nested = {keys[name] for name in paths}
    as_read = {key: "JSON" if key in nested else kinds[name] for name, key in keys.items()}
    sizes = {name: value for name, value in options.items() if name == "maximum_object_size"}

    def scan(files: Sequence[Path]) -> str:
        read = scan_call("read_json", files, {**fixed, **sizes, "auto_detect": False, "columns": as_read})
        if not nested:
            return read
        values = (
            _taken(key, name=name, path=paths.get(name), kind=kinds[name], nested=nested) for name, key in keys.items()
        )
        return f"(select {', '.join(values)} from {read})"

    columns = tuple(
        RawColumn(name, name, kinds[name], kind, time_format(kind, options)) for name, kind in declared.items()
    )
    reading = Reading(scan, columns, tuple(files))
    objects = scan_call("read_json_objects", [file.path for file in files], {**fixed, **sizes})
    _check_keys(connection, reading, objects=objects, declared=declared, paths=paths, log=log)
    return [reading]


def _taken(key: str, *, name: str, path: str | None, kind: str, nested: Collection[str]) -> str:
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


def _check_keys(
    connection: DuckDBPyConnection,
    reading: Reading,
    *,
    objects: str,
    declared: Mapping[str, str],
    paths: Mapping[str, str],
    log: logging.Logger,
) -> None:
    import duckdb

    place = reading.files[0].shown if len(reading.files) == 1 else f"{reading.files[0].shown} and the files after it"
    wanted = [name for name in declared if name not in paths]
    try:
        found, missing = _keys(connection, f"(select json from {objects} limit {SAMPLE})", paths)
        if found is not None and (missing or not set(wanted) <= set(found)):
            found, missing = _keys(connection, objects, paths)
    except duckdb.Error as error:
        raise explained(connection, [reading], error) or ContractError(f"{place}: {error}") from None
    if found is None:
        return
    if missing:
        shown = ", ".join(f'"{key}"' for key in found) or "none"
        raise ContractError(f'{place}: no "{paths[missing[0]]}" for the column "{missing[0]}"; records have {shown}')
    of_paths = {path.partition(".")[0] for path in paths.values()}
    check_found(place, wanted, found=[key for key in found if key in wanted or key not in of_paths], log=log)


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
