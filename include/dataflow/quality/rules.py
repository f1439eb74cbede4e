"""Each kind of check as DuckDB SQL."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dataflow.durations import format_duration
from dataflow.identifiers import literal, quote
from dataflow.queries import columns_of, find_column, relation_sql, single_select
from dataflow.spec.checks import AcceptedValues, Check, Freshness, Range, Relationship, RowCount, check_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from dataflow.interval import Interval

__all__ = ["Rule", "rule_of"]

_TEXT = ("VARCHAR", "ENUM", "JSON", "UUID")


@dataclass(frozen=True, slots=True)
class Rule:
    """How to judge one check."""

    columns: tuple[str, ...]
    counts: str
    """A query for one row: judged rows, failing rows (NULL: no verdict), then what ``describe`` needs."""
    failing: str | None
    """A query for the failing rows; None for a check of the table as a whole, which knows no ``max_failures``."""
    describe: Callable[[int, int, tuple[Any, ...]], str]
    """The message, from judged rows, failing rows and the rest of ``counts``."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The rows that a check judges, and what it may look up."""

    connection: duckdb.DuckDBPyConnection
    relation: str
    where: str | None
    window: Interval
    tables: Mapping[str, str]

    @property
    def rows(self) -> str:
        """The judged rows, to stand after FROM."""
        return f"({self.filtered(f'SELECT * FROM {relation_sql(self.relation)}')})"

    def filtered(self, query: str) -> str:
        """Give the query's rows for which ``where`` holds."""
        # An author's expression may end in a comment: what follows it begins a new line.
        return query if self.where is None else f"SELECT * FROM ({query}\n) WHERE ({self.where}\n)"

    def columns(self) -> dict[str, str]:
        """Give names and types of the relation's columns."""
        return columns_of(self.connection, self.relation)


def rule_of(judged: Judged, check: Check) -> Rule:
    """Give the SQL of a check.

    Raises:
        ValueError: when a column or table is not there, or a query is not one SELECT.
        duckdb.Error: when the relation is not there or a query does not parse.
    """
    kind = check_kind(check)
    return _RULES[kind](judged, getattr(check, kind))


def _by_predicate(judged: Judged, columns: tuple[str, ...], *, fails: str, says: str) -> Rule:
    """Judge row by row; a predicate that is NULL does not fail."""
    return Rule(
        columns,
        f"SELECT count(*), count(*) FILTER (WHERE fails) FROM (SELECT ({fails}) AS fails FROM {judged.rows})",
        f"SELECT * FROM {judged.rows} WHERE {fails}",
        lambda rows, failures, _: f"{says} in {failures} of {rows} rows",
    )


def _not_null(judged: Judged, names: tuple[str, ...]) -> Rule:
    existing = judged.columns()
    columns = tuple(find_column(existing, name) for name in names)
    nulls = [f"{quote(column)} IS NULL" for column in columns]
    each = ", ".join(f"count(*) FILTER (WHERE {null})" for null in nulls)
    fails = " OR ".join(nulls)

    def describe(rows: int, failures: int, counts: tuple[Any, ...]) -> str:
        by_column = ", ".join(f"{column}: {count}" for column, count in zip(columns, counts, strict=True) if count)
        return f"{failures} of {rows} rows hold a null" + (f" ({by_column})" if by_column else "")

    return Rule(
        columns,
        f"SELECT count(*), count(*) FILTER (WHERE {fails}), {each} FROM {judged.rows}",
        f"SELECT * FROM {judged.rows} WHERE {fails}",
        describe,
    )


def _unique(judged: Judged, names: tuple[str, ...]) -> Rule:
    """Fail every row that shares its values with another; as in SQL and dbt, rows with a null are never the same."""
    existing = judged.columns()
    columns = tuple(find_column(existing, name) for name in names)
    key = ", ".join(quote(column) for column in columns)
    known = " AND ".join(f"{quote(column)} IS NOT NULL" for column in columns)
    shared = f"SELECT count(*) AS sharing FROM {judged.rows} WHERE {known} GROUP BY {key} HAVING count(*) > 1"
    return Rule(
        columns,
        f"SELECT (SELECT count(*) FROM {judged.rows}), coalesce(sum(sharing), 0), count(*) FROM ({shared})",
        f"SELECT * FROM {judged.rows} WHERE {known} QUALIFY count(*) OVER (PARTITION BY {key}) > 1",
        lambda rows, failures, counts: (
            f"{failures} of {rows} rows share their {', '.join(columns)} with another row ({counts[0]} values)"
        ),
    )


def _accepted_values(judged: Judged, argument: AcceptedValues) -> Rule:
    existing = judged.columns()
    column = find_column(existing, argument.column)
    if existing[column].startswith(_TEXT):
        # YAML's 1 and true mean the text '1' and 'true' here; DuckDB would rather make numbers of the whole column.
        value, accepted = f"CAST({quote(column)} AS VARCHAR)", [literal(_text(each)) for each in argument.values]
    else:
        value, accepted = quote(column), [_constant(each) for each in argument.values]
    shown = ", ".join(_text(each) for each in argument.values[:10]) + (", ..." if len(argument.values) > 10 else "")
    fails = f"{value} NOT IN ({', '.join(accepted)})"
    return _by_predicate(judged, (column,), fails=fails, says=f"{column} is other than {shown}")


def _range(judged: Judged, argument: Range) -> Rule:
    existing = judged.columns()
    column = find_column(existing, argument.column)
    name = quote(column)
    fails, bounds = [], []
    if argument.min is not None:
        fails.append(f"{name} < {_constant(argument.min)}")
        bounds.append(f"below {argument.min}")
    if argument.max is not None:
        fails.append(f"{name} > {_constant(argument.max)}")
        bounds.append(f"above {argument.max}")
    if existing[column] in ("FLOAT", "DOUBLE"):
        fails.append(f"isnan({name})")  # DuckDB sorts NaN above every number, so `min` alone would let it pass
    says = f"{column} is {' or '.join(bounds)}"
    return _by_predicate(judged, (column,), fails=" OR ".join(fails), says=says)


def _row_count(judged: Judged, argument: RowCount) -> Rule:
    least, most = argument.min, argument.max
    outside = [f"count(*) < {least}"] if least is not None else []
    outside += [f"count(*) > {most}"] if most is not None else []
    expected = " and ".join(
        text for text, bound in ((f"at least {least}", least), (f"at most {most}", most)) if bound is not None
    )
    return Rule(
        (),
        f"SELECT count(*), CAST({' OR '.join(outside)} AS INTEGER) FROM {judged.rows}",
        None,
        lambda rows, _, __: f"{rows} rows, expected {expected}",
    )


def _freshness(judged: Judged, argument: Freshness) -> Rule:
    column = find_column(judged.columns(), argument.column)
    oldest = judged.window.end - argument.max_age
    moment = f"CAST({quote(column)} AS TIMESTAMPTZ)"
    # Casting comes first: the newest of ISO texts with different offsets is not the greatest text. 'infinity' is the
    # mark of rows that never end, not of rows that are new.
    newest = f"max({moment}) FILTER (WHERE isfinite({moment}))"

    def describe(_rows: int, _failures: int, found: tuple[Any, ...]) -> str:
        if found[0] is None:
            return f"there is no {column} to judge"
        age = timedelta(seconds=max(found[1], 0))
        return (
            f"the newest {column} is {found[0]}, {format_duration(age)} before the window's end; "
            f"allowed are {format_duration(argument.max_age)}"
        )

    end = f"CAST({literal(judged.window.end.isoformat())} AS TIMESTAMPTZ)"
    return Rule(
        (column,),
        f"SELECT count(*), CAST({newest} < CAST({literal(oldest.isoformat())} AS TIMESTAMPTZ) AS INTEGER), "
        f"CAST({newest} AS VARCHAR), date_diff('second', {newest}, {end}) FROM {judged.rows}",
        None,
        describe,
    )


def _relationships(judged: Judged, argument: Relationship) -> Rule:
    column = find_column(judged.columns(), argument.column)
    table, key = argument.to.split(".")
    relation = judged.tables.get(table)
    if relation is None:
        raise ValueError(f"no table '{table}' to judge against: nothing of it is loaded or in this run's batch")
    found = quote(find_column(columns_of(judged.connection, relation), key))
    name = quote(column)
    fails = (
        f"{name} IS NOT NULL AND {name} NOT IN (SELECT {found} FROM {relation_sql(relation)} WHERE {found} IS NOT NULL)"
    )
    return _by_predicate(judged, (column,), fails=fails, says=f"{column} is not in {argument.to}")


def _sql(judged: Judged, query: str) -> Rule:
    failing = judged.filtered(single_select(judged.connection, query))
    return Rule(
        (),
        f"SELECT (SELECT count(*) FROM {judged.rows}), (SELECT count(*) FROM ({failing}\n))",
        failing,
        lambda rows, failures, _: f"the query returned {failures} rows ({rows} judged)",
    )


_RULES: dict[str, Callable[[Judged, Any], Rule]] = {
    "not_null": _not_null,
    "unique": _unique,
    "accepted_values": _accepted_values,
    "range": _range,
    "row_count": _row_count,
    "freshness": _freshness,
    "relationships": _relationships,
    "sql": _sql,
}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _constant(value: str | float) -> str:
    if isinstance(value, str):
        return literal(value)  # DuckDB reads it as the column's type: a date, a number
    if isinstance(value, float) and not math.isfinite(value):
        return f"CAST({literal(str(value))} AS DOUBLE)"
    return _text(value)
