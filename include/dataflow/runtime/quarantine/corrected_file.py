"""A record's rows with the values of a file that somebody corrected, as the file has them: nothing is guessed.

A text stands there as the source writes it; a number of JSON or Parquet is that number, with every digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import InputError
from dataflow.identifiers import literal, quote
from dataflow.landing.manifest import METADATA_PREFIX, local_files, read_manifest
from dataflow.landing.scan import scan_of
from dataflow.quarantine.fingerprint import ORIGIN, as_text, fingerprint
from dataflow.quarantine.records import Quarantined
from dataflow.quarantine.showing import FORMATS
from dataflow.quarantine.store import ROW
from dataflow.queries import columns_of_query, find_column
from dataflow.sources.contract.loss import DECIMAL, FLOATS, INTEGERS
from dataflow.sources.files.exact_numbers import is_marked, marked_copy, unmarked
from dataflow.sources.files.number_format import NumberFormat
from dataflow.sources.reading import SourceFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["record_view", "view_record"]

_CORRECTION = '"_dataflow_correction"'


def record_view(record: Quarantined) -> str:
    """Give the name under which a record's rows are seen."""
    return quote(f"_dataflow_record_{record.id}")


def view_record(
    connection: DuckDBPyConnection,
    record: Quarantined,
    *,
    corrected: Path | None,
    forms: Mapping[str, NumberFormat],
    folder: Path,
) -> None:
    """Make the record's rows a view: as they lie there, with the corrected file's values in their place, and `ORIGIN`.

    ``forms`` are those in which the record's texts have numbers, by the column's name in small letters: the corrected
    file's numbers are written like them.

    Raises:
        InputError: when the file's rows or columns are not those of the record.
    """
    files = local_files(read_manifest(record.uri), folder / "quarantine" / str(record.id))
    scan = f"SELECT * FROM {scan_of(files)}"
    columns = columns_of_query(connection, scan)
    # A row that failed again after a correction has kept what it was at first.
    is_kept = ORIGIN in dict(columns)
    rows = scan if is_kept else f"SELECT *, {fingerprint(columns)} AS {ORIGIN} FROM ({scan})"
    if corrected is not None:
        given = _read(connection, corrected, forms=forms, folder=folder / "corrected" / str(record.id))
        rows = _corrected(connection, record, rows, file=corrected, given=given)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {record_view(record)} AS {rows}")


def _corrected(
    connection: DuckDBPyConnection, record: Quarantined, rows: str, *, file: Path, given: Sequence[str]
) -> str:
    """Give the query for the record's rows with the values of the file, which has the columns ``given``."""
    own = dict(columns_of_query(connection, rows))
    data = [name for name in own if not name.startswith(METADATA_PREFIX)]
    try:
        named = {find_column(data, name): name for name in given if not name.startswith(METADATA_PREFIX)}
    except ValueError as error:
        raise InputError(
            f"{file.name}: {error}; columns are called as they were when the rows were set aside, also where one is "
            "renamed since: correct the file's header"
        ) from None
    _number(connection, record, file, is_numbered=ROW in given)
    _require_rows_of(connection, record, file)
    replaced = ", ".join(
        f"CASE WHEN given.{ROW} IS NOT NULL THEN given.{quote(name)} "
        f"ELSE {as_text('raw.' + quote(column), own[column])} END AS {quote(column)}"
        for column, name in named.items()
    )
    columns = f"raw.* REPLACE ({replaced})" if replaced else "raw.*"
    return f"SELECT {columns} FROM ({rows}) AS raw LEFT JOIN {_CORRECTION} AS given ON given.{ROW} = raw.{ROW}"


def _require_rows_of(connection: DuckDBPyConnection, record: Quarantined, file: Path) -> None:
    """See that the file corrects rows of the record, and each once."""
    there = "the only row is 1" if record.rows == 1 else f"the rows are 1 to {record.rows}"
    counted = f"SELECT {ROW}, count(*) AS times FROM {_CORRECTION} GROUP BY {ROW}"
    strange = connection.execute(
        f"SELECT {ROW}, times FROM ({counted}) "
        f"WHERE {ROW} IS NULL OR {ROW} NOT BETWEEN 1 AND {record.rows} OR times > 1 LIMIT 1"
    ).fetchone()
    if strange is None:
        return
    number, times = strange
    if number is None:
        raise InputError(f"{file.name}: a line has no number in {ROW}; {there}")
    if not 1 <= number <= record.rows:
        raise InputError(f"{file.name}: quarantine {record.id} has no row {number} ({ROW}); {there}")
    raise InputError(f"{file.name}: {ROW} {number} is there {times} times; keep one line for each row")


def _number(connection: DuckDBPyConnection, record: Quarantined, file: Path, *, is_numbered: bool) -> None:
    """Let each corrected row have the number of the row that it corrects; all of them in order, where none has one."""
    counted = connection.execute(f"SELECT count(*) FROM {_CORRECTION}").fetchone() or (0,)
    if not is_numbered and counted[0] != record.rows:
        raise InputError(
            f"{file.name} has {counted[0]} rows, and quarantine {record.id} has {record.rows}; to correct some of them "
            f"keep the column {ROW}, which `dataflow quarantine show {record.id} --write FILE` gives"
        )
    columns = f"* REPLACE (TRY_CAST({ROW} AS BIGINT) AS {ROW})" if is_numbered else f"row_number() OVER () AS {ROW}, *"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_CORRECTION} AS SELECT {columns} FROM {_CORRECTION}")


def _read(connection: DuckDBPyConnection, file: Path, *, forms: Mapping[str, NumberFormat], folder: Path) -> list[str]:
    """Read the file into a table of texts and give its columns."""
    import duckdb

    if file.suffix.lower() not in FORMATS:
        raise InputError(f"{file.name}: corrected rows come in a file that ends in {', '.join(FORMATS)}")
    try:
        if not file.stat().st_size:
            raise InputError(
                f"{file.name} is empty; `dataflow quarantine show ID --write FILE` gives a file to correct"
            )
        reader = _reader(connection, file, folder)
        columns = columns_of_query(connection, f"SELECT * FROM {reader}")
        texts = ", ".join(
            f"{_text(quote(name), kind, forms.get(name.lower(), NumberFormat()))} AS {quote(name)}"
            for name, kind in columns
        )
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {_CORRECTION} AS SELECT {texts} FROM {reader}")
    except duckdb.Error as error:
        raise InputError(f"{file}: {str(error).splitlines()[0]}") from error
    return [name for name, _ in columns]


def _reader(connection: DuckDBPyConnection, file: Path, folder: Path) -> str:
    """Give the scan of the file's values as they stand there: nothing is guessed, and `""` is no NULL."""
    path = literal(str(file))
    if file.suffix.lower() == ".parquet":
        return f"read_parquet({path}, hive_partitioning = false)"
    if file.suffix.lower() == ".csv":
        form = "header = true, delim = ',', quote = '\"', escape = '\"', allow_quoted_nulls = false"
        return f"read_csv({path}, all_varchar = true, {form})"
    path = literal(str(marked_copy(SourceFile(file, file.name), folder).path))
    lines = f"read_json_objects({path}, format = 'newline_delimited')"
    found = connection.execute(f"SELECT DISTINCT unnest(json_keys(json)) FROM {lines}").fetchall()
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for (name,) in sorted(found))
    return f"read_json({path}, format = 'newline_delimited', auto_detect = false, columns = {{{columns}}})"


def _text(value: str, kind: str, form: NumberFormat) -> str:
    """Give the SQL of a value as a source of this form would write it; its texts are taken for written so."""
    if kind in INTEGERS or kind in FLOATS or DECIMAL.fullmatch(kind):
        return form.written(as_text(value, kind))
    if kind != "VARCHAR":
        return as_text(value, kind)
    # The whole numbers of JSON are no other ones in any form.
    number = unmarked(value, "VARCHAR")
    return f"CASE WHEN {is_marked(value)} THEN {form.written(number)} ELSE {number} END"
