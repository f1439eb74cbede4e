"""Checks of a table as a whole as DuckDB SQL: how many rows, how new, how empty, of which columns, how unusual."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dataflow.durations import format_duration
from dataflow.identifiers import literal, quote
from dataflow.quality.anomaly import shown_value, usual
from dataflow.quality.rule import Judged, Rule
from dataflow.queries import RESERVED_PREFIX, find_column, run_single

if TYPE_CHECKING:
    from dataflow.spec.checks import Anomaly, Freshness, NullRate, RowCount, TableSchema

__all__ = ["anomaly", "freshness", "null_rate", "row_count", "table_schema"]


def row_count(judged: Judged, argument: RowCount) -> Rule:
    """Fail where there are too few rows or too many."""
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


def freshness(judged: Judged, argument: Freshness) -> Rule:
    """Fail where the newest value is too old; without any value there is no verdict."""
    column = find_column(judged.columns(), argument.column)
    oldest = judged.window.end - argument.max_age
    newest = _newest(column)

    def describe(_rows: int, failures: int, found: tuple[Any, ...]) -> str:
        allowed = f"allowed are {format_duration(argument.max_age)}"
        if found[0] is None:
            return f"there is no {column} to judge"
        if judged.hides(column):
            return f"the newest {column} is {'too old' if failures else 'new enough'}; {allowed}"
        age = timedelta(seconds=max(found[1], 0))
        return f"the newest {column} is {found[0]}, {format_duration(age)} before the window's end; {allowed}"

    return Rule(
        (column,),
        f"SELECT count(*), CAST({newest} < CAST({literal(oldest.isoformat())} AS TIMESTAMPTZ) AS INTEGER), "
        f"CAST({newest} AS VARCHAR), date_diff('second', {newest}, {_end(judged)}) FROM {judged.rows}",
        None,
        describe,
    )


def null_rate(judged: Judged, argument: NullRate) -> Rule:
    """Fail where too large a share is null; of no rows at all nothing is."""
    column = find_column(judged.columns(), argument.column)
    null = f"{quote(column)} IS NULL"
    nulls = f"count(*) FILTER (WHERE {null})"
    # Both sides are exact: 5 % of 20 rows is one row.
    too_many = f"{nulls} > CAST({literal(f'{argument.max:.12f}')} AS DECIMAL(18, 12)) * count(*)"

    def describe(rows: int, _failures: int, found: tuple[Any, ...]) -> str:
        share = _share(found[0], rows)
        return f"{column} is null in {found[0]} of {rows} rows ({share}); allowed are {argument.max:.12g}"

    return Rule(
        (column,),
        f"SELECT count(*), CASE WHEN {too_many} THEN {nulls} ELSE 0 END, {nulls} FROM {judged.rows}",
        f"SELECT * FROM {judged.rows} WHERE {null}",
        describe,
    )


def table_schema(judged: Judged, argument: TableSchema) -> Rule:
    """Fail for each column that is missing, of another type or, where they are refused, one too many."""
    actual = {
        name.lower(): (name, kind)
        for name, kind in judged.columns().items()
        if not name.lower().startswith(RESERVED_PREFIX)
    }
    wrong = []
    for name, kind in argument.columns.items():
        found = actual.get(name.lower())
        wanted = _type(judged, kind)
        if found is None:
            wrong.append(f"{name} is missing")
        elif found[1] != wanted:
            wrong.append(f"{name} is {found[1]}, expected {wanted}")
    if argument.others == "refuse":
        expected = {name.lower() for name in argument.columns}
        wrong += [f"{name} is not expected" for lower, (name, _) in actual.items() if lower not in expected]
    message = "; ".join(wrong) or f"it has the {len(argument.columns)} columns"
    return Rule(
        tuple(argument.columns),
        f"SELECT count(*), {len(wrong)} FROM {judged.rows}",
        None,
        lambda _, __, ___: message,
    )


def anomaly(judged: Judged, argument: Anomaly) -> Rule:
    """Fail where a figure is far from what it was in earlier windows; without enough of them nothing is odd."""
    column = find_column(judged.columns(), argument.column) if argument.column else None
    metric = _metric(judged, argument, column=column)
    expected = usual(judged.past, judged.window, argument)
    low, high = (expected.low, expected.high) if expected else (None, None)
    outside = [f"figure < {low!r}"] if low is not None else []
    outside += [f"figure > {high!r}"] if high is not None else []
    fails = f"CAST({' OR '.join(outside)} AS INTEGER)" if outside else "CAST(isnan(figure) AS INTEGER)"
    # No rows have no rate: nothing is odd about it, and `row_count` says whether there may be none.
    verdict = f"CASE WHEN judged = 0 THEN 0 ELSE {fails} END" if argument.metric == "null_rate" else fails
    of = f"{argument.metric} of {column}" if column else argument.metric

    def describe(_rows: int, _failures: int, found: tuple[Any, ...]) -> str:
        if found[0] is None:
            return f"there is no {column} to judge" if argument.metric != "null_rate" else "no rows, so no null_rate"
        value = shown_value(found[0], argument.metric)
        if expected is None:
            return f"not enough history: {len(judged.past)} of {argument.least} runs ({of} is {value})"
        return f"{of} is {value}; {expected}"

    return Rule(
        (column,) if column else (),
        f"SELECT judged, {verdict}, figure FROM (SELECT count(*) AS judged, {metric} AS figure FROM {judged.rows})",
        None,
        describe,
        low=low,
        high=high,
    )


def _metric(judged: Judged, argument: Anomaly, *, column: str | None) -> str:
    name = quote(column or "")
    metrics = {
        "row_count": "CAST(count(*) AS DOUBLE)",
        "null_rate": f"CAST(count(*) FILTER (WHERE {name} IS NULL) AS DOUBLE) / nullif(count(*), 0)",
        "sum": f"coalesce(sum(CAST({name} AS DOUBLE)), 0.0)",
        "freshness": f"CAST(date_diff('second', {_newest(column or '')}, {_end(judged)}) AS DOUBLE)",
    }
    return metrics[argument.metric]


def _newest(column: str) -> str:
    moment = f"CAST({quote(column)} AS TIMESTAMPTZ)"
    # Casting comes first: the newest of ISO texts with different offsets is not the greatest text. 'infinity' is the
    # mark of rows that never end, not of rows that are new.
    return f"max({moment}) FILTER (WHERE isfinite({moment}))"


def _end(judged: Judged) -> str:
    return f"CAST({literal(judged.window.end.isoformat())} AS TIMESTAMPTZ)"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.4g}" if whole else "0"


def _type(judged: Judged, kind: str) -> str:
    """Give a type as DuckDB calls it: ``INT4`` is an ``INTEGER``."""
    row = run_single(judged.connection, f"SELECT typeof(CAST(NULL AS {kind}))").fetchone()
    return str(row[0]) if row else kind
