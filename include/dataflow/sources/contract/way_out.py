"""The option of a file's reader that would read a value which does not fit: a date of another order, a decimal comma.

An option is named only where the value fits with it, judged by the very SQL that would read it then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.identifiers import literal
from dataflow.sources.contract.fit import fit, text_format
from dataflow.sources.contract.loss import DECIMAL, FLOATS, INSTANTS, INTEGERS, ZONED

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.sources.reading import RawColumn

__all__ = ["HOW_CSV_IS_WRITTEN", "HOW_TIMES_ARE_WRITTEN", "WayOut", "in_brackets", "named", "ways_out"]

HOW_TIMES_ARE_WRITTEN = frozenset({"dateformat", "timestampformat"})
HOW_CSV_IS_WRITTEN = HOW_TIMES_ARE_WRITTEN | {"decimal_separator", "thousands", "nullstr"}

MAX_WAYS = 2
"""Where more options would read a value, nobody knows which is meant."""

NOTHING = frozenset({"n/a", "na", "#n/a", "nan", "null", "none", "nil", "-", "--", r"\n"})
"""What stands for no value, in small letters."""
NUMBERS = (
    {"decimal_separator": ","},
    {"thousands": ","},
    {"thousands": ".", "decimal_separator": ","},
    {"thousands": " ", "decimal_separator": ","},
    {"thousands": "'"},
    {"thousands": " "},
)
SEPARATORS = frozenset({",", ".", " ", "'"})
DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y%m%d", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y")
HOURS = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %I:%M:%S %p", " %I:%M %p")


@dataclass(frozen=True, slots=True)
class WayOut:
    """An option and its value."""

    options: Mapping[str, object]

    def __str__(self) -> str:
        return "`options: {" + ", ".join(f"{name}: {_yaml(value)}" for name, value in self.options.items()) + "}`"

    def reads(self, expression: str, declared: str) -> str:
        """Give the SQL that is true for the texts that fit the type with it; never NULL, never raises."""
        if (nothing := self.options.get("nullstr")) is not None:
            return f"coalesce({expression} = {literal(str(nothing[-1]))}, false)"  # type: ignore[index]  # ours: a list
        form = text_format(declared, self.options)
        fits = f"{fit(expression, 'VARCHAR', declared=declared, form=form).attempt} is not null"
        return f"coalesce({fits} and {self._is_plain(expression)}, false)"

    def _is_plain(self, expression: str) -> str:
        """Give the SQL that is true where nothing else may be meant."""
        signs = [sign for sign in self.options.values() if sign in SEPARATORS]
        if signs == [".", ","]:  # one point among digits is a point, most likely
            points = f"strlen({expression}) - strlen(replace({expression}, '.', ''))"
            return f"({points} > 1 or ({points} = 1 and contains({expression}, ',')))"
        if signs:
            return " and ".join(f"contains({expression}, {literal(str(sign))})" for sign in signs)
        # A year of two digits is to %Y that year, long ago.
        return f"regexp_matches({expression}, '[0-9]{{4}}')" if "%Y" in str(self) else "true"


def ways_out(connection: DuckDBPyConnection, column: RawColumn, *, value: object) -> tuple[WayOut, ...]:
    """Give the options that would read a value that does not fit its column: one or two, or none that is sure."""
    if not isinstance(value, str) or column.declared is None:
        return ()
    ways = [way for way in _candidates(column, value) if way.options.keys() <= column.unset]
    if not ways:
        return ()
    verdicts = ", ".join(way.reads(literal(value), column.declared) for way in ways)
    answer = connection.execute(f"select {verdicts}").fetchone() or ()
    fitting = tuple(way for way, fits in zip(ways, answer, strict=True) if fits)
    return fitting if len(fitting) <= MAX_WAYS else ()


def _candidates(column: RawColumn, value: str) -> Iterator[WayOut]:
    declared = column.declared or ""
    is_number = declared in INTEGERS or declared in FLOATS or DECIMAL.fullmatch(declared) is not None
    is_moment = declared in INSTANTS or declared == ZONED
    if (is_number or is_moment or declared == "DATE") and value.strip().lower() in NOTHING and not column.sensitive:
        yield WayOut({"nullstr": ["", value]})
    elif is_number:
        yield from map(WayOut, NUMBERS)
    elif declared == "DATE":
        yield from (WayOut({"dateformat": day}) for day in DAYS)
    elif is_moment:
        yield from (WayOut({"timestampformat": day + hour}) for day in DAYS for hour in HOURS)


def named(ways: Sequence[WayOut]) -> str:
    """Give the ways as the beginning of what is to be done; empty where there is none."""
    return f"set {' or '.join(map(str, ways))}" if ways else ""


def in_brackets(ways: Sequence[WayOut]) -> str:
    """Give the ways behind what is wrong; empty where there is none."""
    return f" ({named(ways)})" if ways else ""


def _yaml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
