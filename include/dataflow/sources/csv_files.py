"""CSV: the header is read, columns are matched by name, nothing is guessed."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from dataflow.errors import ContractError
from dataflow.sources.columns import Found, check_found
from dataflow.sources.fit import is_number, time_format
from dataflow.sources.reading import RawColumn, Reading, SourceFile
from dataflow.sources.scan_sql import Option, scan_call
from dataflow.spec.reader_options import NUMBER_FORMATS
from dataflow.spec.sources import AS_DECLARED, SchemaContract

__all__ = ["read_csv_files"]

DEFAULTS: dict[str, Option] = {"delim": ",", "quote": '"', "escape": '"', "header": True, "strict_mode": True}
FIXED: dict[str, Option] = {"auto_detect": False, "hive_partitioning": False}

FORMATS_OF_TIMES = ("dateformat", "timestampformat")


def read_csv_files(
    files: Sequence[SourceFile],
    declared: Mapping[str, str],
    *,
    options: Mapping[str, Option],
    log: logging.Logger,
    contract: SchemaContract = AS_DECLARED,
) -> list[Reading]:
    """Give one reading for each run of files that have the same header.

    Raises:
        ContractError: when the header is not as the contract demands, or cannot be read.
    """
    settings = DEFAULTS | {("delim" if name == "sep" else name): value for name, value in options.items()}
    for option in ("delim", "quote", "escape", "comment"):
        if len(str(settings.get(option, ""))) > 1:
            raise ContractError(f"options.{option}: {settings[option]!r} is more than one character")
    if not settings["header"]:
        return [_reading(files, tuple(declared), found=Found(), declared=declared, settings=settings)]
    readings = []
    for header, group in groupby(files, key=lambda file: _header(file, settings)):
        alike = list(group)
        found = check_found(alike[0].shown, declared, found=header, log=log, contract=contract)
        readings.append(_reading(alike, header, found=found, declared=declared, settings=settings))
    return readings


def _header(file: SourceFile, settings: Mapping[str, Option]) -> tuple[str, ...]:
    encoding = str(settings.get("encoding", "utf-8")).lower()
    try:
        # Bytes that do not decode may lie behind the header: DuckDB will say in which line.
        with file.path.open(
            encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors="surrogateescape", newline=""
        ) as opened:
            header = next(_records(opened, settings), [])
    except (UnicodeError, LookupError, csv.Error) as error:
        raise ContractError(
            f"{file.shown}: the header cannot be read ({error}); set `options: {{encoding: ...}}`"
        ) from None
    if not any(header):
        raise ContractError(f"{file.shown}: no header in its first line; set `options: {{skip: ...}}` or mend the file")
    return tuple(header)


def _records(lines: Iterator[str], settings: Mapping[str, Option]) -> Iterator[list[str]]:
    for _ in range(int(str(settings.get("skip", 0)))):
        next(lines, None)
    comment, quote, escape = (str(settings.get(name, "")) for name in ("comment", "quote", "escape"))
    return csv.reader(
        (line for line in lines if not (comment and line.startswith(comment))),
        delimiter=str(settings["delim"]),
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        doublequote=escape == quote,
        escapechar=None if escape == quote else escape or None,
    )


def _reading(
    files: Sequence[SourceFile],
    header: Sequence[str],
    *,
    found: Found,
    declared: Mapping[str, str],
    settings: Mapping[str, Option],
) -> Reading:
    # By position, so that headers of any text, also twice the same, never clash with what DuckDB makes of them.
    places = {f"c{number}": declared.get(name, "VARCHAR") for number, name in enumerate(header)}
    place_of = {name: f"c{number}" for number, name in enumerate(header)}
    has_own_numbers = any(name in settings for name in NUMBER_FORMATS)
    # Only the reader's own cast knows these formats.
    as_read = {place: kind if has_own_numbers and is_number(kind) else "VARCHAR" for place, kind in places.items()}
    columns = [
        RawColumn(name, place, as_read[place], kind, time_format(kind, settings))
        if (place := place_of.get(name)) is not None
        else RawColumn(name, None, "VARCHAR", kind)
        for name, kind in declared.items()
    ]
    # As text: nothing says what else it may be, and what it looks like may change with the next file.
    columns += [RawColumn(name, place_of[name], "VARCHAR") for name in found.landed]
    judged = tuple(RawColumn(name, place_of[name], "VARCHAR") for name in found.judged)
    fixed = {name: value for name, value in {**settings, **FIXED}.items() if name not in FORMATS_OF_TIMES}

    def scan(paths: Sequence[Path]) -> str:
        return scan_call("read_csv", paths, {**fixed, "columns": as_read})

    def strict_scan(paths: Sequence[Path]) -> str:
        return scan_call("read_csv", paths, {**settings, **FIXED, "columns": places})

    return Reading(scan, tuple(columns), tuple(files), strict_scan, undeclared=judged)
