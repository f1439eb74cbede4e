"""The file that a new workflow begins with: its columns as DuckDB finds them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import InputError
from dataflow.identifiers import literal, quote
from dataflow.queries import columns_of_query, duckdb_message
from dataflow.scaffold.sample_csv import csv_options, exact_kinds, in_our_words
from dataflow.sources.files.scan_sql import Option, scan_call

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["FORMATS", "SampleFile", "example_file", "example_in", "sniff"]

FORMATS = {".csv": "csv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}
READERS = {"csv": "read_csv", "json": "read_json", "ndjson": "read_json", "parquet": "read_parquet"}
LOOKED_AT = 100_000
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
    unique: tuple[str, ...]
    """The columns that have a value in every row, each once in the first rows, as far as was looked."""
    rows: int
    options: Mapping[str, str | bool] = field(default_factory=dict)


def example_file(data: Path) -> SampleFile:
    """Write a small file, where the author has none yet."""
    data.mkdir(parents=True)
    file = data / "sales.csv"
    file.write_text(EXAMPLE, encoding="utf-8")
    return sniff(file)


def example_in(folder: Path, name: str, *, form: str) -> SampleFile:
    """Write the same rows in a format, for a file that lies elsewhere: its columns are not known yet."""
    import duckdb

    folder.mkdir(parents=True)
    with duckdb.connect() as connection, tempfile.TemporaryDirectory(prefix="example-") as scratch:
        connection.execute("SET TimeZone = 'UTC'")
        csv = Path(scratch) / "sales.csv"
        csv.write_text(EXAMPLE, encoding="utf-8")
        written = {"csv": "csv", "json": "json, ARRAY true", "ndjson": "json", "parquet": "parquet"}[form]
        rows = f"SELECT * FROM read_csv({literal(str(csv))})"
        connection.execute(f"COPY ({rows}) TO {literal(str(folder / name))} (FORMAT {written})")
    return sniff(folder / name, form=form)


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
            options = csv_options(connection, file, given or {}) if form == "csv" else {}
            wanted: dict[str, Option] = {"header": options.get("header", True)} if form == "csv" else {}
            wanted |= given or {}
            source = scan_call(READERS[form], [file], wanted)
            found = dict(columns_of_query(connection, f"SELECT * FROM {source}"))
            if form == "csv" and (exact := exact_kinds(connection, file, found, wanted)) != found:
                found = exact
                source = scan_call(READERS[form], [file], {**wanted, "types": exact})
            full, rows = _full(connection, source, tuple(found))
            unique = _unique(connection, source, full)
        except duckdb.Error as error:
            raise InputError(in_our_words(file, duckdb_message(error))) from None
    if not rows:
        raise InputError(f"{file.name} has no rows; give a file that has some")
    if not full:
        raise InputError(f"{file.name}: no column has a value in every row; give a file with one that has")
    columns = {name: _declared(kind, form) for name, kind in found.items()}
    return SampleFile(
        path=f"data/{file.name}",
        format=form,
        columns=columns,
        key=full[0],
        unique=unique,
        rows=rows,
        options=options,
    )


def _full(connection: DuckDBPyConnection, source: str, names: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """Give the columns that have a value in every row, and how many rows there are."""
    counts = ", ".join(f"count({quote(name)})" for name in names)
    rows, *filled = connection.execute(f"SELECT count(*), {counts} FROM {source}").fetchone() or (0,)
    return tuple(name for name, count in zip(names, filled, strict=True) if count == rows), rows


def _unique(connection: DuckDBPyConnection, source: str, names: tuple[str, ...]) -> tuple[str, ...]:
    counts = "".join(f", count(DISTINCT {quote(name)})" for name in names)
    rows, *once = connection.execute(
        f"SELECT count(*){counts} FROM (SELECT * FROM {source} LIMIT {LOOKED_AT})"
    ).fetchone() or (0,)
    return tuple(name for name, count in zip(names, once, strict=True) if count == rows)


def _declared(kind: str, form: str) -> str:
    if kind == "TIMESTAMP WITH TIME ZONE":
        return "TIMESTAMPTZ"
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))
    return "JSON" if nested and form in ("json", "ndjson") else kind
