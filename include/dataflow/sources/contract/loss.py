"""What a cast of DuckDB's would change in silence, as SQL that tells the values it would change.

Seen in DuckDB 1.5: '1.5' becomes the BIGINT 2 and 12.345 the DECIMAL(12,2) 12.35; a DATE forgets the time, a TIME the
day, both and a TIMESTAMP the offset; every digit behind the microseconds goes; any number but 0 is true; 1e400 is
infinite. A FLOAT or DOUBLE holds the nearest number that it has: that is what these types are, and no loss here.
"""

from __future__ import annotations

import re

__all__ = ["DECIMAL", "FLOATS", "INSTANTS", "INTEGERS", "NOT_WHOLE", "ZONED", "changed", "in_words"]

INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
FLOATS = frozenset({"FLOAT", "DOUBLE"})
INSTANTS = {"TIMESTAMP_S": 0, "TIMESTAMP_MS": 3, "TIMESTAMP": 6, "TIMESTAMP_NS": 9}
"""Times without a zone, and how many digits of a second each keeps."""
ZONED = "TIMESTAMP WITH TIME ZONE"
TIMES = {"TIME": 6, "TIME WITH TIME ZONE": 6, "TIME_NS": 9}
DIGITS = {**INSTANTS, ZONED: 6}
NOT_WHOLE = {
    "INTERVAL": "date_part('microseconds', {0}) % 1000 <> 0",
    "TIME WITH TIME ZONE": "date_part('timezone', {0}) <> 0",
}
"""What Parquet has no room for: more than milliseconds of an interval, and the offset of a time."""
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


HUGE = frozenset({"HUGEINT", "UHUGEINT"})
"""Have room for a 39th digit, for which Parquet has none."""


def in_words(declared: str) -> str:
    """Give a type as messages say what a value is not, with what the type alone does not tell."""
    if any(kind in declared for kind in HUGE):
        return f"{declared} of at most 38 digits"
    return f"{declared} with each key once" if "MAP(" in declared else declared


def changed(expression: str, kind: str, *, declared: str) -> str | None:
    """Give the SQL that is true for values of one scalar type that a cast to the other changes.

    It is NULL or false for all others, those that the cast itself refuses among them, and never raises. None where
    the cast changes nothing. Both types as DuckDB writes them.
    """
    if declared in HUGE and kind not in INTEGERS:
        number, most = f"try_cast({expression} as {declared})", f"cast('{'9' * 38}' as {declared})"
        too_long = f"{number} > {most}" + (f" or {number} < -{most}" if declared == "HUGEINT" else "")
        loss = _changed(expression, kind, declared=declared)
        return f"({too_long} or {loss})" if loss else f"({too_long})"
    return _changed(expression, kind, declared=declared)


def _changed(expression: str, kind: str, *, declared: str) -> str | None:
    if declared in NOT_WHOLE and kind in (declared, "VARCHAR"):
        not_whole = NOT_WHOLE[declared].format(f"try_cast({expression} as {declared})")
        not_time = _of_time_text(expression, declared) if kind == "VARCHAR" else None
        return f"({not_whole} or {not_time})" if not_time else not_whole
    if kind in (declared, "VARCHAR"):
        return None if kind == declared else _of_text(expression, declared)
    if declared in INTEGERS and (kind in FLOATS or kind.startswith("DECIMAL")):
        return f"{expression} <> trunc({expression})"
    if declared == "BOOLEAN" and (kind in INTEGERS or kind in FLOATS or kind.startswith("DECIMAL")):
        return f"{expression} not in (0, 1)"
    if declared.startswith("DECIMAL"):
        return _of_number(expression, kind, declared=declared)
    return _of_moment(expression, kind, declared=declared)


def _of_number(expression: str, kind: str, *, declared: str) -> str | None:
    is_narrower = (given := DECIMAL.match(kind)) is not None and int(given[2]) > _scale(declared)
    # There and back: a double of at most fifteen digits is what its decimal says.
    there_and_back = f"cast(try_cast({expression} as {declared}) as {kind}) <> {expression}"
    return there_and_back if is_narrower or kind in FLOATS else None


def _of_moment(expression: str, kind: str, *, declared: str) -> str | None:
    is_moment = kind in INSTANTS or kind == ZONED
    if declared == "DATE" and is_moment:
        return f"cast({expression} as DATE) <> {expression}"
    if declared in TIMES and is_moment:
        return f"{expression} is not null"
    if kind in TIMES and declared in TIMES:
        return f"cast(try_cast({expression} as {declared}) as {kind}) <> {expression}"
    if is_moment and DIGITS.get(declared, 9) < DIGITS[kind]:
        return f"cast(try_cast({expression} as {declared}) as {kind}) <> {expression}"
    return None


def _of_text(expression: str, declared: str) -> str | None:
    if declared in INTEGERS:
        # A fraction other than zeros, or an exponent that may make one. `contains` costs a tenth of a regex.
        fraction = rf"(contains({expression}, '.') and regexp_matches({expression}, '\.[0-9]*[1-9]'))"
        power = f"(contains({expression}, 'e-') or contains({expression}, 'E-'))"
        return f"({fraction} or (contains({expression}, '-') and {power}))"
    if declared in FLOATS:
        # Nothing that is said in so many words to be infinite has an e.
        is_large = f"(contains({expression}, 'e') or contains({expression}, 'E') or length({expression}) > 38)"
        return f"({is_large} and isinf(try_cast({expression} as {declared})))"
    if declared.startswith("DECIMAL"):
        return _of_decimal_text(expression, declared)
    if declared == "DATE":
        # The cast ends where it likes: 2025-01-3O is the third to it. One to TIMESTAMP takes no junk, but forgets more.
        day, moment = f"try_cast({expression} as DATE)", f"try_cast(trim({expression}) as TIMESTAMP)"
        more = f"length({expression}) > 10 and ({_beyond(expression, 6)} or {_has_offset(expression)})"
        return f"(coalesce({moment} <> {day}, {day} is not null) or ({more}))"
    return _of_time_text(expression, declared)


def _of_decimal_text(expression: str, declared: str) -> str:
    scale, width = _scale(declared), len(_largest(declared))
    # Most have a point and no more digits behind it than may be: they are asked nothing else. Two have no room for an
    # exponent that divides.
    is_plain = f"strlen({expression}) - position('.' in {expression}) <= {min(scale, 2)}"
    has_power = f"(contains({expression}, 'e') or contains({expression}, 'E'))"
    power = f"try_cast(regexp_extract({expression}, '[eE]([+-]?[0-9]+)', 1) as BIGINT)"
    digits = rf"length(rtrim(regexp_extract({expression}, '\.([0-9]*)', 1), '0'))"
    beyond = f"contains({expression}, '.') and {_beyond(expression, scale)}"
    # The cast takes 1.0000e10 for a DECIMAL(12,2), which is one digit too many.
    is_wide = f"strlen(ltrim(cast(try_cast({expression} as {declared}) as VARCHAR), '-')) > {width}"
    of_power = f"{digits} - {power} > {scale} or {is_wide}"
    return f"case when {is_plain} then false when {has_power} then {of_power} else {beyond} end"


def _of_time_text(expression: str, declared: str) -> str | None:
    if declared in INSTANTS:
        digits, bare = INSTANTS[declared], len("2025-01-01 10:00:00")
        # Of 2025-01-01 10:00:00, whose seconds begin with a colon, nothing has to be asked.
        is_plain = f"length({expression}) <= {bare} and {expression}[17] = ':'"
        return f"case when {is_plain} then false else {_has_offset(expression)} or {_beyond(expression, digits)} end"
    if declared == ZONED:
        return f"(contains({expression}, '.') and {_beyond(expression, 6)})"
    if declared in TIMES:
        # The cast ends where it likes: 10:00:00 PM is ten in the morning to it.
        offset = "([+-][0-9:]+)?" if declared == "TIME WITH TIME ZONE" else ""
        is_time = f"regexp_full_match(trim({expression}), '[0-9:.]+{offset}')"
        return f"(not {is_time} or {_beyond(expression, TIMES[declared])})"
    return None


def _has_offset(expression: str) -> str:
    # Behind YYYY-MM-DDTHH:MM a sign is that of an offset.
    return f"regexp_matches(substr({expression}, 17), '[+-]')"


def _beyond(expression: str, digits: int) -> str:
    return rf"regexp_matches({expression}, '\.[0-9]{{{digits}}}[0-9]*[1-9]')"


def _largest(declared: str) -> str:
    """Write the largest number of a DECIMAL, as a cast to text does."""
    found = DECIMAL.match(declared)
    width, scale = (int(found[1]), int(found[2])) if found else (0, 0)
    return "9" * (width - scale) + ("." + "9" * scale if scale else "")


def _scale(declared: str) -> int:
    found = DECIMAL.match(declared)
    return int(found[2]) if found else 0
