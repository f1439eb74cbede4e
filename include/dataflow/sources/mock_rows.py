"""Made-up rows, the same for the same window and seed: every value comes from a hash of its row, column and window."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dataflow.errors import ContractError
from dataflow.identifiers import literal, quote
from dataflow.interval import Interval
from dataflow.sources.reading import RawColumn, Reading
from dataflow.spec.sources import MockSource

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

__all__ = ["mock_reading"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ROWS_IN_A_SECOND = 10_000_000
"""More than a window has, so that the first column's numbers of windows that start a second apart never meet."""

RANGES = {"TINYINT": 100, "UTINYINT": 200}
DATES = frozenset({"DATE"})
INSTANTS = frozenset({"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"})
INTEGERS = frozenset(
    {"SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", *RANGES}
)
LONG = frozenset({"BIGINT", "HUGEINT", "UBIGINT", "UHUGEINT"})


def mock_reading(
    source: MockSource, declared: Mapping[str, str], *, window: Interval, cursor: Interval | None
) -> Reading:
    """Give the reading of the made-up rows; no value is NULL.

    Dates and timestamps lie within the window, those of an incremental source's cursor within its range. The first
    column numbers the rows: an integer from 1, a BIGINT and a VARCHAR also not twice over windows.

    Raises:
        ContractError: for a type that cannot be made up.
    """
    import duckdb

    base = (window.start - EPOCH) // MICROSECOND
    selects = []
    for number, (name, kind) in enumerate(declared.items()):
        is_cursor = source.incremental is not None and source.incremental.cursor == name
        span = cursor if is_cursor and cursor is not None else window
        value = _numbered(kind, name, base=base) if number == 0 else None
        if value is None:
            value = _value(duckdb.sqltype(kind), f"{source.seed}.{base}.{name}", name=name, span=span)
        selects.append(f"cast({value} as {kind}) as {quote(name)}")
    rows = f"(select {', '.join(selects)} from range({source.rows}) as made(i))"
    return Reading(lambda _: rows, tuple(RawColumn(name, name, kind, kind) for name, kind in declared.items()))


def _numbered(kind: str, name: str, *, base: int) -> str | None:
    first = base // 1_000_000 * ROWS_IN_A_SECOND
    if kind in LONG:
        return f"{first} + i + 1"
    if kind in INTEGERS - RANGES.keys():
        return "i + 1"
    return f"{literal(name + '-')} || ({first} + i + 1)" if kind == "VARCHAR" else None


def _value(kind: DuckDBPyType, key: str, *, name: str, span: Interval) -> str:
    text = str(kind)
    made = f"hash(i, {literal(key)})"
    if text in INSTANTS:
        return _instant(made, span)
    simple = {
        **dict.fromkeys(INTEGERS, f"{made} % {RANGES.get(text, 1_000)}"),
        **dict.fromkeys(("FLOAT", "DOUBLE"), f"({made} % 100000) / 100"),
        "BOOLEAN": f"{made} % 2 = 0",
        "VARCHAR": f"{literal(name + '-')} || ({made} % 20)",
        "DATE": _day(made, span),
        "TIME": f"time '00:00:00' + to_seconds(cast({made} % 86400 as BIGINT))",
        "INTERVAL": f"to_seconds(cast({made} % 86400 as BIGINT))",
        "UUID": f"md5(cast({made} as VARCHAR))",
        "BLOB": f"encode(md5(cast({made} as VARCHAR)))",
        "BIT": f"case when {made} % 2 = 0 then '0' else '1' end",
        "JSON": f"json_object('value', {made} % 1000)",
    }.get(text)
    return simple or _compound(kind, key, name=name, span=span)


def _compound(kind: DuckDBPyType, key: str, *, name: str, span: Interval) -> str:
    made = f"hash(i, {literal(key)})"
    parts: dict[str, Any] = (
        dict(kind.children) if kind.id in {"decimal", "enum", "list", "array", "struct", "map"} else {}
    )

    def part(field: str) -> str:
        return _value(parts[field], f"{key}.{field}", name=field if kind.id == "struct" else name, span=span)

    if kind.id == "decimal":
        digits, scale = min(parts["precision"], 5 + parts["scale"], 18), parts["scale"]
        return f"cast({made} % {10**digits} as DECIMAL(38,{scale})) / {10**scale}"
    if kind.id == "enum":
        values = ", ".join(literal(value) for value in parts["values"])
        return f"[{values}][1 + cast({made} % {len(parts['values'])} as BIGINT)]"
    if kind.id == "list":
        return f"[{part('child')}]"
    if kind.id == "array":
        return f"[{', '.join([part('child')] * parts['size'])}]"
    if kind.id == "struct":
        return "{" + ", ".join(f"{literal(field)}: {part(field)}" for field in parts) + "}"
    if kind.id == "map":
        return f"map([{part('key')}], [{part('value')}])"
    raise ContractError(f'column "{name}": a mock source cannot make up values of type {kind}')


def _instant(made: str, span: Interval) -> str:
    start, width = (span.start - EPOCH) // MICROSECOND, (span.end - span.start) // MICROSECOND
    step = 1_000_000 if width > 1_000_000 else 1  # whole seconds are easier to read
    return f"make_timestamp({start} + cast({made} % {-(-width // step)} as BIGINT) * {step})"


def _day(made: str, span: Interval) -> str:
    """Give a day whose midnight lies within the span; the span's first day where none does."""
    first = span.start.date() + (timedelta(days=1) if span.start.time() != datetime.min.time() else timedelta(0))
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    days = -((midnight - span.end) // timedelta(days=1))
    if days < 1:
        first, days = span.start.date(), 1
    return f"date {literal(first.isoformat())} + cast({made} % {days} as INTEGER)"
