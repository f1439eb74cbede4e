"""Each kind of check as DuckDB SQL; here those that judge row by row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from dataflow.identifiers import literal, quote
from dataflow.quality.rule import Judged, Rule
from dataflow.quality.table_rules import anomaly, freshness, null_rate, row_count, table_schema
from dataflow.queries import columns_of, find_column, relation_sql, run_single, single_select
from dataflow.spec.checks import AcceptedValues, Check, Range, Regex, Relationship, check_argument, check_kind

__all__ = ["rule_of"]

KEYS_AT_ONCE = 500_000
"""Keys that are compared with each other at once, 20 to 50 MB of them."""
MOST_PARTS = 6
"""Each part reads the keys anew; where that would be dearer than to write some to disk, DuckDB does that."""
_TEXT = ("VARCHAR", "ENUM", "JSON", "UUID")


def rule_of(judged: Judged, check: Check) -> Rule:
    """Give the SQL of a check.

    Raises:
        ValueError: when a column or table is not there, or a query is not one SELECT.
        duckdb.Error: when the relation is not there or a query does not parse.
    """
    kind = check_kind(check)
    return _RULES[kind](judged, check_argument(check, kind))


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
    known = f"SELECT * FROM {judged.rows} WHERE " + " AND ".join(f"{quote(column)} IS NOT NULL" for column in columns)
    rows, parts = f"SELECT count(*) FROM {judged.rows}", _parts(judged)
    counts = []
    for part in range(parts):
        # Rows that share a key share its hash.
        of_part = f"{known} AND hash({key}) % {parts} = {part}" if parts > 1 else known
        shared = f"SELECT count(*) AS sharing FROM ({of_part}) GROUP BY {key} HAVING count(*) > 1"
        counts.append(f"SELECT {'0' if part else f'({rows})'}, coalesce(sum(sharing), 0), count(*) FROM ({shared})")
    # Not a window: that would hold whole rows, of which there may be more than memory.
    twice = f"SELECT {key} FROM ({known}) GROUP BY {key} HAVING count(*) > 1"
    return Rule(
        columns,
        counts[0],
        f"SELECT * FROM {judged.rows} AS judged SEMI JOIN ({twice}) AS twice USING ({key})",
        lambda rows, failures, counts: (
            f"{failures} of {rows} rows share their {', '.join(columns)} with another row ({counts[0]} values)"
        ),
        more_counts=tuple(counts[1:]),
    )


def _parts(judged: Judged) -> int:
    """Say in how many parts, one after the other, keys are compared: a query holds all that it compares."""
    counted = run_single(judged.connection, f"SELECT count(*) FROM {judged.rows}").fetchone()
    return min(MOST_PARTS, -(-int(counted[0]) // KEYS_AT_ONCE)) or 1 if counted else 1


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


def _regex(judged: Judged, argument: Regex) -> Rule:
    column = find_column(judged.columns(), argument.column)
    fails = f"NOT regexp_full_match(CAST({quote(column)} AS VARCHAR), {literal(argument.pattern)})"
    return _by_predicate(judged, (column,), fails=fails, says=f"{column} does not match {argument.pattern}")


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
        lambda rows, failures, _: f"the query returned {failures} {'row' if failures == 1 else 'rows'} ({rows} judged)",
    )


_RULES: dict[str, Callable[[Judged, Any], Rule]] = {
    "not_null": _not_null,
    "unique": _unique,
    "accepted_values": _accepted_values,
    "range": _range,
    "regex": _regex,
    "null_rate": null_rate,
    "row_count": row_count,
    "freshness": freshness,
    "relationships": _relationships,
    "schema": table_schema,
    "anomaly": anomaly,
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
