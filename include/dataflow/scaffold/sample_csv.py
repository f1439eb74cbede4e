"""What a CSV does not say of itself, as DuckDB guesses it, and where its guess would lose something."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import InputError
from dataflow.identifiers import quote
from dataflow.sources.files.scan_sql import Option, scan_call
from dataflow.spec.reader_options import NUMBER_FORMATS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["csv_options", "exact_kinds", "in_our_words"]

DIALECT = ("delim", "sep", "quote", "escape", "comment", "skip", "encoding", "max_line_size", "strict_mode")
"""Options of the reader that its look at a file takes too."""
VALUE = re.compile(r"[+-]?[0-9][0-9.,]*([eE][+-]?[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?")
"""What no column is called: a number or a date."""
DIGITS_OF_DOUBLE = 15
WIDEST = 38


def csv_options(connection: DuckDBPyConnection, file: Path, given: Mapping[str, Option]) -> dict[str, str | bool]:
    """Give the options that our reader needs, which guesses nothing; none of those that are given.

    Raises:
        InputError: when there is no row in it, or a column has no name of its own.
    """
    known = {name: value for name, value in given.items() if name in DIALECT}
    if not _first_lines(file, known):
        raise InputError(f"{file.name} has no rows; give a file that has some")
    has_header = bool(given.get("header", True))
    delimiter, quoted, dates, moments = _sniffed(connection, file, known, has_header=has_header)
    options: dict[str, str | bool] = {
        name: value
        for name, value in {"dateformat": dates, "timestampformat": moments}.items()
        if value and value != "%Y-%m-%d"
    }
    options |= {"delim": delimiter} if delimiter not in ("", ",") else {}
    options |= {"quote": quoted} if quoted == "'" else {}
    if has_header and not _is_header(file, {"delim": delimiter or ",", "quote": quoted or '"', **known}):
        options["header"] = False
    return {name: value for name, value in options.items() if name not in given}


def exact_kinds(
    connection: DuckDBPyConnection, file: Path, kinds: Mapping[str, str], options: Mapping[str, Option]
) -> dict[str, str]:
    """Give the types with another one for each DOUBLE that would not give back the digits of the file."""
    doubles = [name for name, kind in kinds.items() if kind == "DOUBLE"]
    if not doubles:
        return dict(kinds)
    ours = {name: value for name, value in options.items() if name not in NUMBER_FORMATS}
    texts = scan_call("read_csv", [file], {**ours, "all_varchar": True})
    return dict(kinds) | {name: _kind_of(connection, texts, name, options) for name in doubles}


def in_our_words(file: Path, said: str) -> str:
    """Give what DuckDB says of a CSV that it cannot read; its own way out of another encoding would lose rows."""
    if "not utf-8" not in said.lower():
        return f"{file.name} cannot be read: {said}"
    return (
        f"{file.name} is not UTF-8; save it as UTF-8, or describe a part of it that is, and set "
        "`options: {encoding: latin-1}`, or what it is, in its source"
    )


def _sniffed(
    connection: DuckDBPyConnection, file: Path, known: Mapping[str, Option], *, has_header: bool
) -> tuple[str, str, str, str]:
    look = scan_call("sniff_csv", [file], {**known, "header": has_header}).replace("([", "(", 1).replace("]", "", 1)
    found = connection.execute(f"SELECT Delimiter, Quote, DateFormat, TimestampFormat FROM {look}").fetchone()
    return found or ("", "", "", "")


def _first_lines(file: Path, known: Mapping[str, Option]) -> list[str]:
    """Give a few lines from the header on, those that say something."""
    opener = gzip.open if file.suffix == ".gz" else open
    encoding = str(known.get("encoding", "utf-8")).replace("utf-8", "utf-8-sig")
    comment, skip = str(known.get("comment", "")), int(str(known.get("skip", 0)))
    with opener(file, "rt", encoding=encoding, errors="replace", newline="") as lines:
        told = (line for line in islice(lines, skip, None) if line.strip())
        return list(islice((line for line in told if not (comment and line.startswith(comment))), 20))


def _is_header(file: Path, known: Mapping[str, Option]) -> bool:
    """Tell whether the first line names columns: False where it has nothing but numbers and dates."""
    delimiter, quoting = str(known.get("sep", known["delim"])), str(known["quote"])
    mark = quoting if len(quoting) == 1 else '"'
    names = next(csv.reader(_first_lines(file, known), delimiter=delimiter, quotechar=mark), [])
    if names and all(VALUE.fullmatch(name.strip()) for name in names):
        return False
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"{file.name}: its header has {', '.join(map(repr, twice))} more than once, and a column is found by its "
            "name; give each a name of its own in the file"
        )
    return True


def _kind_of(connection: DuckDBPyConnection, texts: str, name: str, options: Mapping[str, Option]) -> str:
    text = f"trim({quote(name)})"
    if thousands := str(options.get("thousands", "")):
        text = f"replace({text}, '{thousands}', '')"
    text = f"replace({text}, '{options.get('decimal_separator', '.')}', '.')"
    # Digits that say something: no zeros before them or at the end behind the point, nothing of a power.
    digits = f"regexp_replace({_short(text)}, '[eE].*$', '')"
    digits = f"length(ltrim(regexp_replace({digits}, '[^0-9]', '', 'g'), '0'))"
    as_double = _short(f"cast(try_cast({text} as DOUBLE) as VARCHAR)")
    is_lost = f"{digits} > {DIGITS_OF_DOUBLE} and {as_double} <> {_short(text)}"
    lost, powers, before, behind = connection.execute(
        f"select coalesce(bool_or({is_lost}), false), coalesce(bool_or(regexp_matches({text}, '[^0-9.+-]')), false),"
        f" max(length(ltrim(regexp_extract({text}, '^[+-]?([0-9]*)', 1), '0'))),"
        f" max(length(regexp_extract({text}, '\\.([0-9]*)', 1))) from {texts}"
    ).fetchone() or (False, False, 0, 0)
    if not lost:
        return "DOUBLE"
    if powers or before + behind > WIDEST:
        return "VARCHAR"
    return f"DECIMAL({WIDEST},{behind})" if behind else "HUGEINT"


def _short(number: str) -> str:
    return f"case when contains({number}, '.') then rtrim(rtrim({number}, '0'), '.') else {number} end"
