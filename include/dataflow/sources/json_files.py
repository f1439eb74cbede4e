"""JSON (an array of objects, or objects one after the other) and newline-delimited JSON."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataflow.errors import ContractError
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
    format_name: Literal["json", "ndjson"],
    options: Mapping[str, Option],
    log: logging.Logger,
) -> list[Reading]:
    """Give the reading of all files. A key that a record does not have is NULL; one that no record has is an error.

    Raises:
        ContractError: when a declared column is in no record, or a file is not JSON.
    """
    fixed: dict[str, Option] = {"format": FORMATS[format_name], "hive_partitioning": False}
    # As text, a JSON string would lose its quotes.
    kinds = {name: "JSON" if kind == "JSON" else "VARCHAR" for name, kind in declared.items()}
    sizes = {name: value for name, value in options.items() if name == "maximum_object_size"}

    def scan(paths: Sequence[Path]) -> str:
        return scan_call("read_json", paths, {**fixed, **sizes, "auto_detect": False, "columns": kinds})

    columns = tuple(
        RawColumn(name, name, kinds[name], kind, time_format(kind, options)) for name, kind in declared.items()
    )
    reading = Reading(scan, columns, tuple(files))
    objects = scan_call("read_json_objects", [file.path for file in files], {**fixed, **sizes})
    _check_keys(connection, reading, objects=objects, declared=declared, log=log)
    return [reading]


def _check_keys(
    connection: DuckDBPyConnection,
    reading: Reading,
    *,
    objects: str,
    declared: Mapping[str, str],
    log: logging.Logger,
) -> None:
    import duckdb

    place = reading.files[0].shown if len(reading.files) == 1 else f"{reading.files[0].shown} and the files after it"
    try:
        found = _keys(connection, f"(select json from {objects} limit {SAMPLE})")
        if found is not None and not declared.keys() <= set(found):
            found = _keys(connection, objects)
    except duckdb.Error as error:
        raise explained(connection, [reading], error) or ContractError(f"{place}: {error}") from None
    if found is not None:
        check_found(place, declared, found=found, log=log)


def _keys(connection: DuckDBPyConnection, objects: str) -> list[str] | None:
    """Give the keys of these records, None where there is no record; what is no object has no keys."""
    rows, keys = connection.execute(
        f"select (select count(*) from {objects}), "
        f"(select list(distinct key order by key) from (select unnest(json_keys(json)) as key from {objects}))"
    ).fetchall()[0]
    return (keys or []) if rows else None
