"""Values: that what checks and stages expect of a column goes together with the type that its source declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dataflow.loading.messages import shown
from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.spec.checks import Check
from dataflow.spec.tables import base_source
from dataflow.spec.transforms import Stage, stage_kind
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["values_fit_types"]

Types = dict[str, str]
"""Columns in lower case, as far as their types are known, and the types as somebody wrote them."""
_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "INT",
    "BIGINT",
    "HUGEINT",
    "DOUBLE",
    "FLOAT",
    "REAL",
    "DECIMAL",
    "NUMERIC",
)
_MOMENTS = ("DATE", "TIMESTAMP", "TIMESTAMPTZ", "DATETIME", "TIMESTAMP WITH TIME ZONE")
_TEXTS = ("VARCHAR", "TEXT", "STRING", "CHAR")


def values_fit_types(subject: Subject) -> Findings:
    """Refuse cursors, bounds, values and stages that no value of a column's type could go together with."""
    spec = subject.spec
    for name, body in spec.sources.items():
        if body.incremental is not None:
            yield from _is_cursor(name, body.incremental.cursor, _declared(spec, name))
    for name, checks in spec.validate_.items():
        declared = _declared(spec, name)
        for index, check in enumerate(checks):
            yield from _of_check(("validate", name, index), check, declared)
    for table, transform in spec.transform.items():
        source = base_source(spec, table)
        types = _declared(spec, source) if source is not None else {}
        for index, stage in enumerate(transform.stages):
            steps: Steps = ("transform", table, "stages", index)
            if stage.check is not None:
                yield from _of_check((*steps, "check"), stage.check, types)
            if stage.normalize_timestamps is not None:
                columns = ((*steps, "normalize_timestamps", "columns"), stage.normalize_timestamps.columns)
                yield from _are_moments(*columns, types)
            types = _after(stage, types)


def _declared(spec: WorkflowSpec, source: str) -> Types:
    return {column.lower(): declared.type for column, declared in spec.sources[source].columns.items()}


def _after(stage: Stage, types: Types) -> Types:
    """Give the types that a stage leaves, as far as they are known."""
    if stage_kind(stage) in ("sql", "python", "unnest"):
        return {}
    names = {old.lower(): new.lower() for old, new in (stage.rename or {}).items()}
    left = {names.get(column, column): kind for column, kind in types.items() if column not in _lower(stage.derive)}
    left |= {column.lower(): kind for column, kind in (stage.cast or {}).items()}
    moments = stage.normalize_timestamps.columns if stage.normalize_timestamps is not None else ()
    return {**left, **dict.fromkeys(_lower(moments), "TIMESTAMPTZ")}


def _lower(names: Mapping[str, object] | tuple[str, ...] | None) -> list[str]:
    return [name.lower() for name in names or ()]


def _of_check(steps: Steps, check: Check, types: Types) -> Iterator[Finding]:
    if check.range is not None:
        kind = types.get(check.range.column.lower(), "")
        for key, bound in (("min", check.range.min), ("max", check.range.max)):
            if bound is not None:
                yield from _is_comparable((*steps, "range", key), check.range.column, kind, bound, texts=True)
    if check.accepted_values is not None:
        column = check.accepted_values.column
        kind = types.get(column.lower(), "")
        for index, value in enumerate(check.accepted_values.values):
            # A text column takes numbers too: they are compared as the text that they are.
            at = (*steps, "accepted_values", "values", index)
            yield from _is_comparable(at, column, kind, value, texts=False)
    if check.freshness is not None:
        yield from _are_moments((*steps, "freshness", "column"), (check.freshness.column,), types, is_list=False)
    if check.anomaly is not None and check.anomaly.column is not None:
        at, column = (*steps, "anomaly", "column"), check.anomaly.column
        if check.anomaly.metric == "freshness":
            yield from _are_moments(at, (column,), types, is_list=False)
        elif check.anomaly.metric == "sum" and _is(kind := types.get(column.lower(), ""), _MOMENTS):
            yield Finding(at, f"'{column}' is {kind}, which has no sum", "name a column of numbers")


def _is_comparable(steps: Steps, column: str, kind: str, value: str | float, *, texts: bool) -> Iterator[Finding]:
    if isinstance(value, bool):
        return
    is_number = isinstance(value, (int, float)) or _reads_as_number(value)
    if _is(kind, _NUMBERS) and not is_number:
        yield Finding(steps, f"'{column}' is {kind}, and {shown(value)} is no number", "write a number")
    elif isinstance(value, (int, float)) and ((texts and _is(kind, _TEXTS)) or _is(kind, _MOMENTS)):
        what = "text" if _is(kind, _TEXTS) else "time"
        hint = "name a column of numbers, or put the value in quotes"
        yield Finding(steps, f"'{column}' is {kind}, and {shown(value)} is no {what}", hint)


def _are_moments(steps: Steps, columns: tuple[str, ...], types: Types, *, is_list: bool = True) -> Iterator[Finding]:
    for index, column in enumerate(columns):
        kind = types.get(column.lower(), "")
        if _is(kind, (*_NUMBERS, "BOOLEAN", "BOOL")):
            hint = "name a column of times, or of texts that are times"
            yield Finding((*steps, index) if is_list else steps, f"'{column}' is {kind}, which is no time", hint)


def _is_cursor(source: str, column: str, types: Types) -> Iterator[Finding]:
    kind = types.get(column.lower(), "")
    if _is(kind, (*_NUMBERS, *_TEXTS, "BOOLEAN", "BOOL")):
        message = f"'{column}' is {kind}, and a cursor is a DATE, a TIMESTAMP or a TIMESTAMPTZ"
        hint = "name the column that says when a row changed; without one read all of it and load by `merge`"
        yield Finding(("sources", source, "incremental", "cursor"), message, hint)


def _is(kind: str, words: tuple[str, ...]) -> bool:
    """Tell whether a type is of a family; lists and what has parts are of none."""
    return "[" not in kind and kind.partition("(")[0].strip().upper() in words


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
