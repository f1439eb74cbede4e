"""The rows of a record as people see them, and as a file that they correct."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.errors import InputError
from dataflow.identifiers import literal, quote
from dataflow.landing.manifest import METADATA_PREFIX, local_files, read_manifest
from dataflow.landing.scan import scan_of
from dataflow.quarantine.fingerprint import as_text, is_nested
from dataflow.quarantine.store import REASONS, ROW
from dataflow.queries import columns_of_query

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from duckdb import DuckDBPyConnection

    from dataflow.quarantine.records import Quarantined

__all__ = ["FORMATS", "read_quarantined", "write_quarantined"]

FORMATS = {".csv": "FORMAT csv, HEADER", ".ndjson": "FORMAT json", ".parquet": "FORMAT parquet"}
"""How the name of a file of rows may end, and how DuckDB writes it."""
MASKED = "***"


def read_quarantined(
    record: Quarantined, *, limit: int, scratch: Path, masked: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Give rows of a record, each with its number and its reasons; values are texts.

    Args:
        record: Whose rows.
        limit: At most so many.
        scratch: Where copies of files lie meanwhile that are elsewhere.
        masked: Columns of which only is shown whether there is a value; ``*`` means all.
    """
    with _opened(record, scratch) as (connection, rows):
        columns = _data_columns(connection, rows)
        hidden = {name.lower() for name in masked}
        shown = [
            f"CASE WHEN {quote(name)} IS NULL THEN NULL ELSE '{MASKED}' END"
            if "*" in hidden or name.lower() in hidden
            else f"CAST({quote(name)} AS VARCHAR)"
            for name in columns
        ]
        found = connection.execute(
            f"SELECT {', '.join([ROW, *shown])}, array_to_string({REASONS}, '; ') FROM {rows} "
            f"ORDER BY {ROW} LIMIT {limit}"
        ).fetchall()
    return [dict(zip(("row", *columns, "reasons"), row, strict=True)) for row in found]


def write_quarantined(
    record: Quarantined, file: Path, *, scratch: Path, without: Collection[str] = ()
) -> tuple[str, ...]:
    """Write all rows of a record to a file: their numbers, their columns but those left out, and their reasons.

    Gives the columns that were left out. A list, struct or map is JSON in CSV, as a replay reads it there.

    Raises:
        InputError: when the file's name says no format that we write, or it cannot be written.
    """
    import duckdb

    form = FORMATS.get(file.suffix.lower())
    if form is None:
        raise InputError(f"{file.name}: a file of rows ends in {', '.join(FORMATS)}")
    hidden = {name.lower() for name in without}
    with _opened(record, scratch) as (connection, rows):
        kinds = _data_columns(connection, rows)
        left_out = tuple(name for name in kinds if "*" in hidden or name.lower() in hidden)
        values = (
            f"{as_text(quote(name), kind)} AS {quote(name)}"
            if is_nested(kind) and form == FORMATS[".csv"]
            else quote(name)
            for name, kind in kinds.items()
            if name not in left_out
        )
        columns = ", ".join([ROW, *values, f"array_to_string({REASONS}, '; ') AS {REASONS}"])
        query = f"SELECT {columns} FROM {rows} ORDER BY {ROW}"
        try:
            connection.execute(f"COPY ({query}) TO {literal(str(file))} ({form})")
        except duckdb.IOException as error:
            raise InputError(f"{file} cannot be written: {str(error).splitlines()[0]}") from error
    return left_out


@contextmanager
def _opened(record: Quarantined, scratch: Path) -> Iterator[tuple[DuckDBPyConnection, str]]:
    """Give a connection and the relation of the record's rows."""
    import duckdb

    scratch.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="quarantine-", dir=scratch) as folder,
        duckdb.connect(
            config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        ) as connection,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        paths = local_files(read_manifest(record.uri), Path(folder))
        yield connection, scan_of(paths)


def _data_columns(connection: DuckDBPyConnection, rows: str) -> dict[str, str]:
    columns = columns_of_query(connection, f"SELECT * FROM {rows}")
    return {name: kind for name, kind in columns if not name.startswith(METADATA_PREFIX)}
