"""What the options of DuckDB's readers may be set to; of much else DuckDB tells nothing, or in words of its own."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping

from dataflow.near_miss import near_words
from dataflow.spec.time_formats import fault_of_time_format

__all__ = ["ENCODINGS", "Fault", "faults_of_values"]

Fault = tuple[str, str]
"""What is wrong, and the way out."""

ENCODINGS = ("utf-8", "utf-16", "latin-1")
"""What DuckDB reads without an extension, of which none is here; in small and capital letters alike."""

_SWITCHES = frozenset({"allow_quoted_nulls", "binary_as_string", "header", "null_padding", "strict_mode"})
_COUNTS = {"skip": 0, "max_line_size": 1, "maximum_object_size": 1}
_CHARACTERS = {"delim": 1, "sep": 1, "quote": 0, "escape": 0, "comment": 0, "thousands": 0}
"""Options of one character, and how many it has at least."""
_WRITTEN = {"\\t": '"\\t"', "\\\\": "\\", "tab": '"\\t"', "comma": ",", "semicolon": ";", "pipe": "|"}
_CODECS = {
    "iso8859-1": "latin-1", "utf-8": "utf-8", "utf-8-sig": "utf-8", "ascii": "utf-8", "utf-16": "utf-16",
    "utf-16-le": "utf-16", "utf-16-be": "utf-16",
}  # fmt: skip
"""Python's names of encodings, and how DuckDB calls them."""


def faults_of_values(options: Mapping[str, object]) -> Iterator[tuple[str, Fault]]:
    """Give each option whose value the reader cannot take, and why."""
    for option, value in options.items():
        if (fault := _fault(option, value)) is not None:
            yield option, fault
    thousands, point = options.get("thousands"), options.get("decimal_separator", ".")
    if thousands and thousands == point:
        says = f"{thousands!r} separates the fraction"
        yield "thousands", (says, f"set `decimal_separator: '{'.' if point == ',' else ','}'`, or another sign here")


def _fault(option: str, value: object) -> Fault | None:
    said = _said(value)
    if option in _SWITCHES:
        return None if isinstance(value, bool) else (f"{said} is neither true nor false", "write one of them, bare")
    if option in _COUNTS:
        is_count = isinstance(value, int) and not isinstance(value, bool) and value >= _COUNTS[option]
        return None if is_count else (f"{said} is no whole number from {_COUNTS[option]} on", "write 1, bare")
    if option == "nullstr":
        return None if isinstance(value, (str, list)) else (f"{said} is no text", f"write '{said}', in quotes")
    if option == "force_not_null":
        return None if isinstance(value, list) else (f"{said} is no list of columns", f"write [{value}]")
    if not isinstance(value, str):
        return f"{said} is no text", "write one text" if isinstance(value, list) else f"write '{said}', in quotes"
    return _fault_of_text(option, value)


def _said(value: object) -> str:
    """Give a value as YAML has it."""
    return f"'{value}'" if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _fault_of_text(option: str, value: str) -> Fault | None:
    if option in _CHARACTERS and not _CHARACTERS[option] <= len(value) <= 1:
        meant = _WRITTEN.get(value.lower())
        return f"{_said(value)} is not one character", f"write {meant}" if meant else "the reader takes one"
    if option == "decimal_separator" and value not in (".", ","):
        return f"{_said(value)} separates no fraction", "it is '.' or ','"
    if option in ("dateformat", "timestampformat"):
        return fault_of_time_format(value)
    return _fault_of_encoding(value) if option == "encoding" else None


def _fault_of_encoding(name: str) -> Fault | None:
    if name.lower() in ENCODINGS:
        return None
    try:
        known = codecs.lookup(name).name
    except LookupError:
        known = name
    says = f"DuckDB reads no {name!r}"
    meant = _CODECS.get(known) or next(iter(near_words(name, ENCODINGS)), None)
    if meant is not None and known != "cp1252":
        return says, f"write {meant}"
    if known == "cp1252":
        return says, "write latin-1, which is the same but for signs such as the euro's, or save the file as UTF-8"
    return says, f"it reads {', '.join(ENCODINGS)}; save the file as UTF-8"
