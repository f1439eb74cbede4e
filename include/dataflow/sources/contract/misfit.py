"""Turn DuckDB's word on a bad file or value into one that names the file, the line, the column and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.duckdb_memory import lack_of_room
from dataflow.errors import ContractError, StepError, TransientError
from dataflow.identifiers import quote
from dataflow.sources.contract.loss import in_words
from dataflow.sources.contract.way_out import named, ways_out
from dataflow.sources.files.line_ends import first_unlike
from dataflow.sources.reading import RawColumn

if TYPE_CHECKING:
    import duckdb

    from dataflow.sources.reading import Reading, SourceFile

__all__ = ["MASK", "explained", "find_misfit", "is_about_data", "reading_error", "shorten"]

MASK = "***"

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_FILE = re.compile(r"^\s*file = (.+)$", re.MULTILINE)
_VALUE = re.compile(r"Error when converting column \"(.*?)\"\. Could not convert string \"(.*)\" to '(.*)'", re.DOTALL)
_FIELDS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_JSON = re.compile(r'in file "(.*?)", (at byte \d+ )?in (line|record/value) (\d+): (.*)')
_QUOTE = re.compile(r"^\s*quote = (.?) \(", re.MULTILINE)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_SHOWN = 100


def shorten(value: object) -> str:
    """Give a value as messages show it."""
    text = str(value)
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def does_not_fit(
    connection: duckdb.DuckDBPyConnection, place: str, column: RawColumn, *, value: object
) -> ContractError:
    """Say that one value is not of its column's type, and which option of the reader takes it, where one does."""
    shown = MASK if column.sensitive else shorten(value)
    option = named(ways_out(connection, column, value=value))
    return ContractError(
        f'{place}: column "{column.name}": {shown} is not a {in_words(column.declared or "")}; '
        f"{option and f'{option}, '}mend the data or declare another type"
    )


def is_about_data(error: duckdb.Error) -> bool:
    """Tell whether an error is about the rows that were read, and not about reading or writing as such."""
    import duckdb

    # A BinderException is a type of the data that has no cast to the declared one.
    return isinstance(error, (duckdb.DataError, duckdb.InvalidInputException, duckdb.BinderException)) and not (
        isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException))
    )


def explained(
    connection: duckdb.DuckDBPyConnection, readings: Sequence[Reading], error: duckdb.Error
) -> StepError | None:
    """Say why a query over the readings failed; None when the data is not to blame, so that DuckDB's word stands."""
    import duckdb

    known = (reading.explain(error) for reading in readings if reading.explain is not None)
    if (cause := next((each for each in known if each is not None), None)) is not None:
        return cause
    if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException)):
        return lack_of_room(error) or TransientError(f"reading or landing failed: {_first_line(error)}")
    if not is_about_data(error):
        return None
    told = (reading_error(connection, reading, error) for reading in readings)
    searched = (find_misfit(connection, reading) for reading in readings)
    said = _masked(_first_line(error), [column for reading in readings for column in reading.columns])
    return next((found for found in chain(told, searched) if found is not None), ContractError(said))


def reading_error(connection: duckdb.DuckDBPyConnection, reading: Reading, error: duckdb.Error) -> ContractError | None:
    """Read the place out of an error of DuckDB's CSV or JSON reader."""
    text = str(error)
    known = reading.files_by_path
    line, file = _LINE.search(text), _FILE.search(text)
    if file is not None and file[1].strip() in known:
        shown = known[file[1].strip()].shown
        if "invalid state" in text:
            return _line_end_error(shown, Path(file[1].strip()), text)
        place = shown + (f": line {line[1]}" if line else "")
        return _csv_error(connection, place, text, columns={column.raw or "": column for column in reading.columns})
    json = _JSON.search(text)
    if json is not None and json[1] in known:
        place = _json_place(known[json[1]], unit=json[3], number=int(json[4]), is_broken=json[2] is not None)
        return ContractError(f"{place}: {json[5].strip()}; mend the file")
    return None


def _json_place(file: SourceFile, *, unit: str, number: int, is_broken: bool) -> str:
    """Name the place that DuckDB's JSON reader tells, which counts a record that it cannot parse twice."""
    number = max(number - 1, 1) if is_broken else number
    return file.place(_line_of(file.path, number), "line") if unit == "line" else file.place(number, "record")


def _line_of(file: Path, number: int) -> int:
    """Give the line of a file that is so many-th among those that are not empty; the reader counts no others."""
    with file.open("rb") as lines:
        filled = (place for place, line in enumerate(lines, start=1) if line.strip())
        return next(islice(filled, number - 1, None), number)


def _csv_error(
    connection: duckdb.DuckDBPyConnection, place: str, text: str, *, columns: Mapping[str, RawColumn]
) -> ContractError:
    value, fields = _VALUE.search(text), _FIELDS.search(text)
    if value is not None:
        column = columns.get(value[1], RawColumn(value[1], value[1], "VARCHAR"))
        declared = column.declared or value[3]
        return does_not_fit(connection, place, replace(column, declared=declared), value=value[2])
    if fields is not None:
        return ContractError(
            f"{place}: {fields[2]} fields where the header has {fields[1]}; "
            "mend the file, or quote the field that holds a delimiter"
        )
    if "unterminated quote" in text:
        return ContractError(f"{place}: a quote is never closed; mend the file, or set `options: {{quote: ...}}`")
    if "not utf-8" in text:
        return ContractError(f"{place}: not UTF-8; set `options: {{encoding: latin-1}}` or what it is")
    lines = [line for line in text.splitlines() if not line.startswith(("Original Line", "Possible"))]
    said = lines[1] if _LINE.search(lines[0]) and len(lines) > 1 else lines[0]
    return ContractError(f"{place}: {_masked(said, columns.values())}")


def _line_end_error(place: str, file: Path, text: str) -> ContractError:
    quoting = _QUOTE.search(text)
    unlike = first_unlike(file, quoting[1] if quoting else "")
    way_out = "or set `options: {strict_mode: false}`, which takes what is no strict CSV"
    if unlike is None:
        return ContractError(f"{place}: its quotes or line ends are not those of a CSV; mend the file, {way_out}")
    return ContractError(
        f"{place}: line {unlike.number}: it ends with {unlike.end} where the lines before it end with {unlike.usual}; "
        f"write all line ends alike, {way_out}"
    )


def find_misfit(connection: duckdb.DuckDBPyConnection, reading: Reading) -> ContractError | None:
    """Find the first value that does not fit its column, file by file."""
    import duckdb

    judged = [column for column in reading.columns if column.fit.misfit is not None]
    for file in reading.files or (None,):
        paths = [file.path] if file else []
        try:
            if reading.strict_scan is not None:
                connection.execute(f"select count(columns(*)) from {reading.strict_scan(paths)}").fetchall()
            rows = f"(select row_number() over () as dataflow_row, * from {reading.scan(paths)})"
            for column in judged:
                raw = quote(column.raw or "")
                found = connection.execute(
                    f"select dataflow_row, {raw} from {rows} where {raw} is not null and {column.fit.misfit} limit 1"
                ).fetchone()
                if found is not None:
                    place = file.place(found[0]) if file else f"row {found[0]}"
                    place = f"{reading.shown}: {place}" if reading.shown else place
                    return does_not_fit(connection, place, column, value=found[1])
        except duckdb.Error as error:
            return reading_error(connection, reading, error)
    return None


def _masked(said: str, columns: Iterable[RawColumn]) -> str:
    """Leave out of DuckDB's own words what it quotes, where that may be a value that is sensitive."""
    return _QUOTED.sub(MASK, said) if any(column.sensitive for column in columns) else said


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]
