"""The file that a new workflow begins with: its columns as DuckDB finds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import InputError
from dataflow.identifiers import quote
from dataflow.queries import columns_of_query, duckdb_message
from dataflow.sources.scan_sql import Option, scan_call

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["SampleFile", "example_file", "sniff"]

FORMATS = {".csv": "csv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}
READERS = {"csv": "read_csv", "json": "read_json", "ndjson": "read_json", "parquet": "read_parquet"}
EXAMPLE = """\
sale_id,sold_at,product,amount
1,2025-01-05T09:30:00Z,tea,4.50
2,2025-01-05T11:05:00Z,coffee,3.20
3,2025-01-05T16:45:00Z,tea,9.00
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFile:
    """What a file source says of a file."""

    path: str
    """Relative to the workflow's folder."""
    format: str
    columns: Mapping[str, str]
    key: str
    """The first column that has a value in every row."""
    rows: int
    options: Mapping[str, str] = field(default_factory=dict)


def example_file(data: Path) -> SampleFile:
    """Write a small file, where the author has none yet."""
    data.mkdir(parents=True)
    file = data / "sales.csv"
    file.write_text(EXAMPLE, encoding="utf-8")
    return sniff(file)


def sniff(file: Path, *, form: str | None = None, given: Mapping[str, Option] | None = None) -> SampleFile:
    """Look at a file in the ``data`` folder of a workflow.

    Args:
        file: The file.
        form: How it is written, where its name need not say it.
        given: Options of the reader that are known.

    Raises:
        InputError: when its ending is unknown, DuckDB cannot read it, or no column has a value in every row.
    """
    import duckdb

    endings = [suffix for suffix in file.suffixes[-2:] if suffix != ".gz"]
    form = form or FORMATS.get(endings[-1].lower() if endings else "")
    if form is None:
        raise InputError(f"{file.name}: which format is that? A name ends in {', '.join(FORMATS)}, maybe .gz")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        try:
            options = _csv_options(connection, file) if form == "csv" else {}
            header: dict[str, Option] = {"header": True} if form == "csv" else {}
            source = scan_call(READERS[form], [file], {**header, **(given or {})})
            found = dict(columns_of_query(connection, f"SELECT * FROM {source}"))
            key, rows = _key(connection, source, tuple(found))
        except duckdb.Error as error:
            raise InputError(f"{file.name} cannot be read: {duckdb_message(error)}") from None
    if not rows:
        raise InputError(f"{file.name} has no rows; give a file that has some")
    if key is None:
        raise InputError(f"{file.name}: no column has a value in every row; give a file with one that has")
    columns = {name: _declared(kind, form) for name, kind in found.items()}
    return SampleFile(path=f"data/{file.name}", format=form, columns=columns, key=key, rows=rows, options=options)


def _csv_options(connection: DuckDBPyConnection, file: Path) -> dict[str, str]:
    """Give the options that our reader needs, which guesses nothing."""
    found = connection.execute(
        "SELECT Delimiter, Quote, DateFormat, TimestampFormat FROM sniff_csv(?, header = true)", [str(file)]
    ).fetchone()
    delimiter, quoted, dates, moments = found or ("", "", "", "")
    given = {"dateformat": dates, "timestampformat": moments}
    options = {name: value for name, value in given.items() if value and value != "%Y-%m-%d"}
    options |= {"delim": delimiter} if delimiter not in ("", ",") else {}
    return options | ({"quote": quoted} if quoted == "'" else {})


def _key(connection: DuckDBPyConnection, source: str, names: tuple[str, ...]) -> tuple[str | None, int]:
    counts = ", ".join(f"count({quote(name)})" for name in names)
    rows, *filled = connection.execute(f"SELECT count(*), {counts} FROM {source}").fetchone() or (0,)
    return next((name for name, count in zip(names, filled, strict=True) if count == rows), None), rows


def _declared(kind: str, form: str) -> str:
    if kind == "TIMESTAMP WITH TIME ZONE":
        return "TIMESTAMPTZ"
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))
    return "JSON" if nested and form in ("json", "ndjson") else kind
