"""Casts that never change a value in silence.

DuckDB reads '1.5' as the BIGINT 2, drops the time from a DATE and the offset from a TIMESTAMP, and its CSV reader makes
a TIMESTAMPTZ that it cannot read NULL. So readers give text, and here such a value is an error, like one that cannot be
read at all. A DECIMAL is still rounded to its scale, as everywhere in SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dataflow.errors import ContractError
from dataflow.identifiers import literal

__all__ = ["Fit", "canonical_type", "fit", "is_number", "time_format"]

INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
FLOATS = frozenset({"FLOAT", "DOUBLE"})
INSTANTS = frozenset({"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})
ZONED = "TIMESTAMP WITH TIME ZONE"
MISFIT = "error('dataflow: a value does not fit')"


@dataclass(frozen=True, slots=True)
class Fit:
    """SQL that casts one column."""

    value: str
    """The value with its declared type; raises on a misfit."""
    misfit: str | None = None
    """True where a value that is not NULL does not fit; never raises. None where every value fits."""
    attempt: str = ""
    """The value with its declared type, NULL where it does not fit; never raises."""


def canonical_type(kind: str, *, column: str) -> str:
    """Give a type as DuckDB writes it: ``TIMESTAMPTZ`` is ``TIMESTAMP WITH TIME ZONE``.

    Raises:
        ContractError: when DuckDB has no such type.
    """
    import duckdb

    try:
        return str(duckdb.sqltype(kind))
    except duckdb.Error:
        raise ContractError(f'column "{column}": DuckDB has no type {kind!r}; see `columns` of the source') from None


def is_number(declared: str) -> bool:
    """Tell whether a type is one of numbers."""
    return declared in INTEGERS or declared in FLOATS or declared.startswith("DECIMAL")


def time_format(declared: str, options: Mapping[str, object]) -> str | None:
    """Give the ``dateformat`` or ``timestampformat`` that is set for a type."""
    name = {"DATE": "dateformat"}.get(declared, "timestampformat" if declared in {*INSTANTS, ZONED} else "")
    return str(options[name]) if name in options else None


def fit(expression: str, kind: str, *, declared: str | None, form: str | None = None) -> Fit:
    """Give the SQL that makes an expression of one type another; both types as DuckDB writes them.

    ``form`` is that of a time written as text, in the words of strptime.
    """
    if declared is None or kind == declared:
        return Fit(expression, attempt=expression)
    if form is not None and kind == "VARCHAR":
        parsed = f"cast(strptime({expression}, {literal(form)}) as {declared})"
        tried = f"try_cast(try_strptime({expression}, {literal(form)}) as {declared})"
        return Fit(parsed, f"{tried} is null", tried)
    if _is_nested(declared) or _is_nested(kind):
        return _nested_fit(expression, kind, declared=declared)
    cast, tried = (f"{how}({expression} as {declared})" for how in ("cast", "try_cast"))
    changed = _changed(expression, kind, declared=declared)
    if changed is None:
        return Fit(cast, f"{tried} is null", tried)
    return Fit(
        f"case when {changed} then {MISFIT} else {cast} end",
        f"({tried} is null or coalesce({changed}, false))",
        f"case when {changed} then null else {tried} end",
    )


def _nested_fit(expression: str, kind: str, *, declared: str) -> Fit:
    if kind == "VARCHAR":
        expression = f"cast({expression} as JSON)"
    cast = f"cast({expression} as {declared})"
    # Not try_cast, which makes NULL of the inner value alone. The struct tells a JSON null, which fits, from a failure;
    # and DuckDB would take a part that two such expressions share out of them, where it raises: so they share all.
    tried = f"try({{'value': {cast}}})"
    return Fit(cast, f"{tried} is null", f"struct_extract({tried}, 'value')")


def _is_nested(declared: str) -> bool:
    return declared == "JSON" or declared.startswith(("STRUCT(", "MAP(")) or declared.endswith("]")


def _changed(expression: str, kind: str, *, declared: str) -> str | None:
    if kind == "VARCHAR":
        return _text_changed(expression, declared)
    if declared in INTEGERS and (kind in FLOATS or kind.startswith("DECIMAL")):
        return f"{expression} <> trunc({expression})"
    if declared == "BOOLEAN" and (kind in INTEGERS or kind in FLOATS):
        return f"{expression} not in (0, 1)"
    if declared == "DATE" and (kind in INSTANTS or kind == ZONED):
        return f"cast({expression} as DATE) <> {expression}"
    return None


def _text_changed(expression: str, declared: str) -> str | None:
    if declared in INTEGERS:
        # A fraction other than zeros, or an exponent that may make one. `contains` costs a tenth of a regex.
        fraction = rf"(contains({expression}, '.') and regexp_matches({expression}, '\.[0-9]*[1-9]'))"
        return f"({fraction} or contains({expression}, 'e-') or contains({expression}, 'E-'))"
    if declared == "DATE":
        time = f"try_cast({expression} as TIMESTAMP) <> try_cast({expression} as DATE)"
        return f"case when length({expression}) > 10 then {time} else false end"
    if declared in INSTANTS:
        # Behind YYYY-MM-DDTHH:MM a sign is that of an offset.
        return f"regexp_matches(substr({expression}, 17), '[+-]')"
    return None
