"""The text of a value that does not depend on how its type writes it: 1, 1.0 and 1.00 are one number.

So a column may be given a wider type (``DECIMAL(14,3)`` for ``DECIMAL(12,2)``, ``TIMESTAMP`` for ``DATE``), and its
values stay the same ones. Texts are only ever equal to themselves.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

from dataflow.identifiers import literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from duckdb.sqltypes import DuckDBPyType

__all__ = ["same_text", "same_texts"]

_NUMBER = re.compile(r"(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|BIGNUM|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))")
_MOMENT = re.compile(r"DATE|TIMESTAMP(?:_S|_MS|_NS| WITH TIME ZONE)?")


def same_text(expression: str, kind: str) -> str:
    """Give the SQL of a text that values of DuckDB types have in common if and only if they are equal; NULL has none.

    A number is what its shortest writing says, so the FLOAT 0.1 is the DOUBLE 0.1. A moment without a zone is meant in
    UTC, and a date is its midnight. A field of a struct that is NULL is as good as one that is not there.
    """
    import duckdb

    return _same_text(expression, duckdb.sqltype(kind), count())


def same_texts(texts: Iterable[tuple[str, str]]) -> str:
    """Give the SQL of one text for several, each with its name; a text that is NULL is as good as none."""
    pairs = (f"CASE WHEN {text} IS NOT NULL THEN [{literal(name)}, {text}] END" for name, text in texts)
    return _as_json(f"list_filter([{', '.join(pairs)}]::VARCHAR[][], lambda dataflow_pair: dataflow_pair IS NOT NULL)")


def _same_text(expression: str, kind: DuckDBPyType, names: Iterator[int]) -> str:
    if kind.id in {"list", "array"}:
        child = _parts(kind)["child"]
        return _let(f"CAST({expression} AS {child}[])", lambda items: _items(items, child, names), names)
    if kind.id == "map":
        of = _parts(kind)
        sides = (("map_keys", of["key"]), ("map_values", of["value"]))
        return _let(
            expression,
            lambda pairs: _as_json(f"[{', '.join(_items(f'{how}({pairs})', part, names) for how, part in sides)}]"),
            names,
        )
    if kind.id == "struct":
        return _let(expression, lambda struct: same_texts(_fields(struct, kind.children, names)), names)
    if _NUMBER.fullmatch(str(kind)):
        return _let(f"CAST({expression} AS VARCHAR)", _shortest, names)
    return _moment(expression, str(kind)) if _MOMENT.fullmatch(str(kind)) else f"CAST({expression} AS VARCHAR)"


def _parts(kind: DuckDBPyType) -> dict[str, DuckDBPyType]:
    parts: list[tuple[str, Any]] = kind.children
    return dict(parts)


def _items(items: str, kind: DuckDBPyType, names: Iterator[int]) -> str:
    item = f"dataflow_value_{next(names)}"
    return _as_json(f"list_transform({items}, lambda {item}: {_same_text(item, kind, names)})")


def _fields(struct: str, children: list[tuple[str, Any]], names: Iterator[int]) -> Iterator[tuple[str, str]]:
    for name, part in sorted(children, key=lambda child: child[0].lower()):
        yield name.lower(), _same_text(f"struct_extract({struct}, {literal(name)})", part, names)


def _shortest(text: str) -> str:
    """Give a number's digits without zeros around them, and the power of ten of the last: ``-5.00`` is ``-5e0``."""
    mantissa = f"split_part({text}, 'e', 1)"
    digits = f"regexp_replace({mantissa}, '[-.]', '', 'g')"
    power = f"coalesce(TRY_CAST(split_part({text}, 'e', 2) AS INTEGER), 0) - len(split_part({mantissa}, '.', 2))"
    trailing = f"len({digits}) - len(rtrim({digits}, '0'))"
    number = (
        f"CASE WHEN starts_with({text}, '-') THEN '-' ELSE '' END || trim({digits}, '0') || 'e' || "
        f"CAST({power} + {trailing} AS VARCHAR)"
    )
    finite = f"regexp_matches({text}, '[0-9]')"
    return f"CASE WHEN NOT {finite} THEN {text} WHEN trim({digits}, '0') = '' THEN '0' ELSE {number} END"


def _moment(expression: str, kind: str) -> str:
    """Give a date or timestamp as text, in UTC, without a time at midnight."""
    text = f"CAST({expression} AS VARCHAR)"
    if kind == "TIMESTAMP WITH TIME ZONE":  # its text is in the connection's zone; an infinite one has no epoch
        text = f"coalesce(CAST(make_timestamp(epoch_us({expression})) AS VARCHAR), {text})"
    return f"regexp_replace({text}, ' 00:00:00$', '')"


def _as_json(texts: str) -> str:
    return f"CAST(to_json({texts}) AS VARCHAR)"


def _let(expression: str, make: Callable[[str], str], names: Iterator[int]) -> str:
    """Give the SQL of what ``make`` says of a value by its name, so that its expression is there once."""
    name = f"dataflow_value_{next(names)}"
    there = f"list_filter([{expression}], lambda {name}: {name} IS NOT NULL)"
    return f"list_transform({there}, lambda {name}: {make(name)})[1]"
