"""JSON numbers that a double does not hold as they were written.

DuckDB reads a JSON number with a fraction or an exponent as a double, whatever its column is declared to be:
12345678901234567.89 would be landed as 12345678901234568, and 1.10 as the text 1.1. Where `changed_numbers` finds one,
all of them become marked texts before DuckDB reads them; the SQL that reads them takes the mark off again. That costs
some 30 CPU ms a MB; no other source pays for it.
"""

from __future__ import annotations

import re
import secrets
import shutil
from dataclasses import replace
from pathlib import Path

from dataflow.identifiers import literal
from dataflow.sources.reading import SourceFile

__all__ = ["MAX_GROWTH", "is_marked", "marked_copy", "unmarked"]

MARK = f"~{secrets.token_hex(8)}~"
"""Stands before a number that became a text. Nobody's data has it, for it is another one in each process."""
MAX_GROWTH = 8
"""How many times as long a record may be when its numbers are marked: one of nothing but 1.5 and a comma."""
PIECE = 4 << 20
MAX_TOKEN = 64 << 20
"""Bytes; a text that does not end within as many is left to the reader, which will say so."""
_BETWEEN = rb'(?:[^"0-9-]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?[0-9]++(?=[^0-9.eE]))'
_FRACTION = re.compile(rb"(" + _BETWEEN + rb"*+)(-?[0-9]++[.eE][0-9.eE+-]*+)(?=[^0-9.eE+-])", re.DOTALL)
_REST = re.compile(_BETWEEN + rb"*+", re.DOTALL)


def marked_copy(file: SourceFile, folder: Path) -> SourceFile:
    """Give a copy of a file of JSON in which numbers are marked; memory stays flat."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{len(list(folder.iterdir())):06}.json"
    with file.path.open("rb") as opened, target.open("wb") as into:
        rest = b""
        while piece := opened.read(PIECE):
            done, rest = _marked(rest + piece)
            into.write(done)
            if len(rest) > MAX_TOKEN:
                break
        else:
            done, rest = _marked(rest + b"\n")
            into.write(done)
        into.write(rest)
        shutil.copyfileobj(opened, into)
    return replace(file, path=target)


def is_marked(expression: str) -> str:
    """Give the SQL that tells whether a text is nothing but a marked number."""
    return f"starts_with({expression}, {literal(MARK)})"


def unmarked(expression: str, declared: str) -> str:
    """Give the SQL of a text without marks; within JSON and texts, a number is a number again."""
    if declared == "VARCHAR" or "JSON" in declared:
        number = literal(rf'"?{MARK}([0-9.eE+-]+)"?')
        text = f"regexp_replace({expression}, {number}, '\\1', 'g')"
        text = f"case when contains({expression}, {literal(MARK)}) then {text} else {expression} end"
        return f"cast({text} as JSON)" if declared == "JSON" else text
    # Within a list or struct they stay texts, which are cast digit by digit.
    return f"replace({expression}, {literal(MARK)}, '')"


def _marked(piece: bytes) -> tuple[bytes, bytes]:
    """Give as much as is whole of a piece, marked, and the rest as it is."""
    end = 0
    parts = []
    # Not `finditer`: behind the last of them it would look from each byte on.
    while found := _FRACTION.match(piece, end):
        parts += [found[1], b'"', MARK.encode(), found[2], b'"']
        end = found.end()
    rest = _REST.match(piece, end)
    until = rest.end() if rest else end
    return b"".join([*parts, piece[end:until]]), piece[until:]
