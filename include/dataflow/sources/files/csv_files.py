"""CSV: the header is read, columns are matched by name, nothing is guessed."""

from __future__ import annotations

import csv
import logging
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from dataflow.errors import ContractError
from dataflow.near_miss import did_you_mean
from dataflow.sources.contract.columns import Found, check_found
from dataflow.sources.contract.fit import text_format
from dataflow.sources.contract.way_out import HOW_CSV_IS_WRITTEN
from dataflow.sources.files.number_format import NumberFormat
from dataflow.sources.files.scan_sql import Option, scan_call
from dataflow.sources.reading import RawColumn, Reading, SourceFile
from dataflow.spec.reader_options import NUMBER_FORMATS
from dataflow.spec.sources import AS_DECLARED, SchemaContract

__all__ = ["read_csv_files"]

DEFAULTS: dict[str, Option] = {"delim": ",", "quote": '"', "escape": '"', "header": True, "strict_mode": True}
FIXED: dict[str, Option] = {"auto_detect": False, "hive_partitioning": False}

BUFFER = 4_000_000
"""Bytes that are read at once: an eighth of DuckDB's own, for several are held, and no faster with more."""
LONGEST_LINE = 2_000_000
"""What DuckDB takes without being told; a buffer has to hold more than a line."""

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
    longest = int(str(settings.get("max_line_size", LONGEST_LINE)))
    settings["buffer_size"] = max(BUFFER, 2 * longest)
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
        # Bytes that do not decode may lie behind the header, in what is read ahead: DuckDB will say in which line.
        with file.path.open(
            encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors="surrogateescape", newline=""
        ) as opened:
            header = next(_records(opened, settings), [])
    except (UnicodeError, LookupError, csv.Error) as error:
        raise ContractError(
            f"{file.shown}: the header cannot be read ({error}); set `options: {{encoding: ...}}`"
        ) from None
    if encoding != "utf-8" and header and header[0].startswith(BOM_UTF8.decode(encoding, errors="replace")):
        raise ContractError(
            f"{file.shown}: it begins with the byte order mark of UTF-8 (BOM), so it is not {encoding}; "
            "take `encoding` out of `options`"
        )
    if any("\0" in name for name in header):
        raise ContractError(f"{file.shown}: it is UTF-16; set `options: {{encoding: utf-16}}`")
    if any(map(_is_undecoded, header)):
        raise ContractError(f"{file.shown}: header: not UTF-8; set `options: {{encoding: latin-1}}` or what it is")
    if not any(header):
        raise ContractError(f"{file.shown}: no header in its first line; set `options: {{skip: ...}}` or mend the file")
    return tuple(header)


def _is_undecoded(name: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in name)


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
    settings: dict[str, Option],
) -> Reading:
    # By position, so that headers of any text, also twice the same, never clash with what DuckDB makes of them.
    places = {f"c{number}": declared.get(name, "VARCHAR") for number, name in enumerate(header)}
    place_of = {name: f"c{number}" for number, name in enumerate(header)}
    # As text: the reader's own casts round and cut.
    as_read = dict.fromkeys(places, "VARCHAR")
    unset = HOW_CSV_IS_WRITTEN - settings.keys()
    columns = [
        RawColumn(name, place, "VARCHAR", kind, text_format(kind, settings), unset=unset)
        if (place := place_of.get(name)) is not None
        else RawColumn(name, None, "VARCHAR", kind)
        for name, kind in declared.items()
    ]
    # As text: nothing says what else it may be, and what it looks like may change with the next file.
    columns += [RawColumn(name, place_of[name], "VARCHAR") for name in found.landed]
    judged = tuple(RawColumn(name, place_of[name], "VARCHAR") for name in found.judged)
    ours = (*FORMATS_OF_TIMES, *NUMBER_FORMATS)
    settings = settings | _of_columns(settings, place_of, declared)
    fixed = {name: value for name, value in {**settings, **FIXED}.items() if name not in ours}

    def scan(paths: Sequence[Path]) -> str:
        return scan_call("read_csv", paths, {**fixed, "columns": as_read})

    # The reader's own casts tell of numbers what is left of them without the separators.
    strict = {
        place: "VARCHAR" if isinstance(text_format(kind, settings), NumberFormat) else kind
        for place, kind in places.items()
    }

    def strict_scan(paths: Sequence[Path]) -> str:
        return scan_call("read_csv", paths, {**settings, **FIXED, "columns": strict})

    return Reading(scan, tuple(columns), tuple(files), strict_scan, undeclared=judged, left_out=found.left_out)


def _of_columns(
    settings: Mapping[str, Option], place_of: Mapping[str, str], declared: Mapping[str, str]
) -> dict[str, Option]:
    """Give the options that name columns with the names that the reader knows them by."""
    named = settings.get("force_not_null", ())
    given = [named] if isinstance(named, str) else list(named) if isinstance(named, Sequence) else []
    for name in given:
        if name not in place_of and name not in declared:
            near = did_you_mean(name, place_of)
            raise ContractError(f"options.force_not_null: no column '{name}'{near and f'; {near}'}")
    return {"force_not_null": [place_of[name] for name in given if name in place_of]} if given else {}
