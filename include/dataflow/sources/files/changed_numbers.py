"""Which JSON has numbers that would be others once DuckDB's reader has made doubles of them.

A double gives back every number of at most fifteen digits, and most longer ones that were doubles before; as text it
is 1.1 where 1.10 was written. Where a column can tell the difference, numbers have to be marked, which is dear: see
`exact_numbers`. So three questions are asked, each where the one before was answered with yes: may a fraction be where
such a column is? Is any number of the files written as a double might not print it? Is it one of those columns'?
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataflow.identifiers import literal
from dataflow.sources.contract.loss import INTEGERS
from dataflow.sources.files.file_keys import pointer

__all__ = ["Exact", "exact_columns"]

OF_TEXTS = re.compile(r"\b(VARCHAR|JSON|BLOB|ENUM)\b")
OF_NUMBERS = re.compile(rf"\b(DECIMAL|{'|'.join(sorted(INTEGERS))})\b")
PLAIN_KEY = re.compile(r"[A-Za-z0-9_ -]+")

PIECE = 4 << 20
OVERLAP = 4 << 10
"""Bytes of a piece that are looked at again with the next, for numbers that are cut in two."""

DIGITS = 15
"""Significant digits that every decimal number keeps as a double (IEEE 754)."""
MORE = DIGITS + 1
ENDS = r"[,\]}\s]"

# For DuckDB, from the front.
BEGINS = r"[\[:,\s]"
_SPLITS = "|".join(rf"[0-9]{{{whole}}}\.[0-9]{{{MORE - whole}}}" for whole in range(1, MORE))
LONG = rf"(?:{_SPLITS}|[0-9]{{{MORE},}}[.eE])"
REWRITTEN = rf"-?(?:0\.0000|[0-9]+\.[0-9]+0{ENDS}|[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+{ENDS})"
"""A zero at the end, a power, or one that is printed with a power: 1.10, 1e2, 0.00001."""

# For the first look at all bytes: what begins with one character is found soonest, and behind it one can look back.
_SPLIT_BACK = "|".join(rf"(?<=[0-9]{{{whole}}}\.)[0-9]{{{MORE - whole}}}" for whole in range(1, MORE - 2))
_LONG_FRACTION = rf"(?=[0-9]{{3}})(?:{_SPLIT_BACK})|(?<=[0-9]{{{MORE - 2}}}\.)"
_LONG = (rf"\.(?:{_LONG_FRACTION})", rf"e[0-9+-](?<=[0-9]{{{MORE}}}e.)", rf"E[0-9+-](?<=[0-9]{{{MORE}}}E.)")
_LOOKS_FOR_NUMBERS = tuple(re.compile(look.encode()) for look in _LONG)
_REWRITTEN = (
    rf"\.(?:{_LONG_FRACTION}|0000(?<=[^0-9]0\.0000)|[0-9]++(?:(?<=0)(?<!\.0){ENDS}|[eE]))",
    rf"e[0-9+-](?<=[0-9]e.)[0-9]*+{ENDS}",
    rf"E[0-9+-](?<=[0-9]E.)[0-9]*+{ENDS}",
)
_LOOKS_FOR_TEXTS = tuple(re.compile(look.encode()) for look in _REWRITTEN)


@dataclass(frozen=True, slots=True)
class Exact:
    """The columns that can tell a number from its double, by where they are in a record: the keys on the way."""

    texts: tuple[tuple[str, ...], ...]
    """Those that have a number as text, or may."""
    numbers: tuple[tuple[str, ...], ...]
    """Whole numbers and decimals."""
    nested: tuple[tuple[str, ...], ...]
    """Whole numbers and decimals in lists, structs and maps."""

    @property
    def may_be_there(self) -> str:
        """SQL that tells of a record, ``json``, whether a fraction may be in one of the columns; quickly."""
        return _holds_numbers(self._types) if self._ways else "false"

    @property
    def may_be_in_texts(self) -> str:
        """SQL that tells the same of those that are or hold texts."""
        if not self.texts:
            return "false"
        of_texts = _holds_numbers(f"{self._types}[:{len(self.texts)}]")
        return f"case when {self.may_be_there} then {of_texts} else false end"

    @property
    def _ways(self) -> tuple[tuple[str, ...], ...]:
        return (*self.texts, *self.numbers, *self.nested)

    @property
    def _types(self) -> str:
        return f"json_type(json, [{_pointers(self._ways)}])"

    def may_be_in(self, files: Iterable[Path]) -> bool:
        """Tell whether any number of the files is written as a double might not print it."""
        return any(_is_in(file, _LOOKS_FOR_TEXTS if self.texts else _LOOKS_FOR_NUMBERS) for file in files)

    @property
    def are_there(self) -> str:
        """SQL that tells of a record, ``json``, whether it has a number in one of the columns that would be another."""
        anywhere = _is_lost(BEGINS)
        ways = []
        if self.texts:
            rewritten = f"regexp_matches(json, {literal(BEGINS + REWRITTEN)})"
            ways.append(f"case when {_has_fraction(self.texts)} then {rewritten} or {anywhere} else false end")
        if self.nested:
            ways.append(f"case when {_has_fraction(self.nested)} then {anywhere} else false end")
        if self.numbers:
            keys = sorted({way[-1] for way in self.numbers})
            named = _is_lost(rf'"(?:{"|".join(keys)})"\s*:\s*')
            # Other keys may be written in other ways, and so may these with escapes.
            is_plain = "not contains(json, '\\u00')" if all(map(PLAIN_KEY.fullmatch, keys)) else "false"
            ways.append(f"case when {is_plain} then {named} else {anywhere} end")
        return f"({' or '.join(ways) or 'false'})"


def exact_columns(declared: Mapping[str, str], keys: Mapping[str, Sequence[str]]) -> Exact:
    """Give the columns of these types, as DuckDB writes them, for which a double may be another number."""
    texts: list[tuple[str, ...]] = []
    numbers: list[tuple[str, ...]] = []
    nested: list[tuple[str, ...]] = []
    for name, kind in declared.items():
        if OF_TEXTS.search(kind):
            texts.append(tuple(keys[name]))
        elif OF_NUMBERS.search(kind):
            is_one = OF_NUMBERS.match(kind) is not None and not kind.endswith("]")
            (numbers if is_one else nested).append(tuple(keys[name]))
    return Exact(tuple(texts), tuple(numbers), tuple(nested))


def _holds_numbers(types: str) -> str:
    asked = (f"list_contains({types}, '{kind}')" for kind in ("DOUBLE", "OBJECT", "ARRAY"))
    return f"({' or '.join(asked)})"


def _pointers(ways: Iterable[Sequence[str]]) -> str:
    return ", ".join(literal(pointer(way)) for way in ways)


def _has_fraction(ways: Iterable[Sequence[str]]) -> str:
    """Give the SQL that tells whether something at these places has, once read, a number with a fraction."""
    texts = f"array_to_string(json_extract(json, [{_pointers(ways)}])::VARCHAR[], ',')"
    return rf"regexp_matches({texts}, '(^|[\[:,])-?[0-9]+[.eE]')"


def _is_lost(before: str) -> str:
    """Give the SQL that tells whether a long number that stands behind this is not what its double prints."""
    found = f"regexp_extract_all(json, {literal(f'{before}(-?{LONG}[0-9.eE+-]*)')}, 1)"
    is_other = "cast(try_cast(dataflow_number as DOUBLE) as VARCHAR) is distinct from dataflow_number"
    return f"len(list_filter({found}, lambda dataflow_number: {is_other})) > 0"


def _is_in(file: Path, looks: Sequence[re.Pattern[bytes]]) -> bool:
    rest = b""
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            piece = rest + piece
            if any(look.search(piece) for look in looks):
                return True
            rest = piece[-OVERLAP:]
    return False
