"""Columns: how they are named, and that those which a config names exist where all of them are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.near_miss import known_words
from dataflow.spec.checks import Check, check_argument, check_kind
from dataflow.spec.sources import Columns
from dataflow.spec.tables import base_source, transform_of
from dataflow.spec.transforms import Stage, stage_kind
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["columns_are_well_named", "columns_exist", "columns_of_table"]

RESERVED = "_dataflow"
Known = dict[str, str] | None
"""Columns by their name in lower case, as DuckDB compares them; None where not all are known."""


def columns_are_well_named(subject: Subject) -> Findings:
    """Refuse two columns that DuckDB takes for one, and our own prefix."""
    for name, source in subject.spec.sources.items():
        seen: dict[str, str] = {}
        for column in source.columns:
            steps: Steps = ("sources", name, "columns", column)
            yield from _not_reserved(steps, column)
            first = seen.setdefault(column.casefold(), column)
            if first != column:
                yield Finding(steps, f"the same column as '{first}'", "DuckDB does not tell case apart", on_key=True)
    for table, transform in subject.spec.transform.items():
        for index, stage in enumerate(transform.stages):
            steps = ("transform", table, "stages", index)
            for column in stage.derive or ():
                yield from _not_reserved((*steps, "derive", column), column)
            for old, new in (stage.rename or {}).items():
                yield from _not_reserved((*steps, "rename", old), new, on_key=False)
            if stage.add_timestamps is not None:
                yield from _not_reserved((*steps, "add_timestamps", "loaded_at"), stage.add_timestamps.loaded_at)


def _not_reserved(steps: Steps, column: str, *, on_key: bool = True) -> Findings:
    if column.casefold().startswith(RESERVED):
        yield Finding(steps, f"names that begin with `{RESERVED}` are ours", "choose another name", on_key=on_key)


def columns_exist(subject: Subject) -> Findings:
    """Check the columns that cursors, checks, stages and loads name."""
    spec = subject.spec
    for name, source in spec.sources.items():
        known = _known(source.columns)
        if source.incremental is not None:
            yield from _exist(("sources", name, "incremental", "cursor"), [source.incremental.cursor], known)
        for index, check in enumerate(spec.validate_.get(name, ())):
            yield from _check_columns(spec, ("validate", name, index), check, known=known)
    for table in {**spec.transform, **spec.load}:
        known = _columns_at_start(spec, table)
        for index, stage in enumerate(transform_of(spec, table).stages):
            steps = ("transform", table, "stages", index)
            if stage.check is not None:
                yield from _check_columns(spec, (*steps, "check"), stage.check, known=known)
            yield from _stage_columns(steps, stage, known)
            known = _after(stage, known)
        load = spec.load.get(table)
        if load is not None:
            yield from _exist(("load", table, "key"), load.key or (), known)
            yield from _exist(("load", table, "newest_by"), [load.newest_by] if load.newest_by else [], known)


def columns_of_table(spec: WorkflowSpec, table: str) -> Known:
    """Give the columns of a table as it is loaded."""
    known = _columns_at_start(spec, table)
    for stage in transform_of(spec, table).stages:
        known = _after(stage, known)
    return known


def _columns_at_start(spec: WorkflowSpec, table: str) -> Known:
    source = base_source(spec, table)
    return _known(spec.sources[source].columns) if source in spec.sources else None


def _known(columns: Columns) -> Known:
    return {name.lower(): name for name in columns} or None


def _after(stage: Stage, known: Known) -> Known:
    """Give the columns that a stage leaves."""
    kind = stage_kind(stage)
    if known is None or kind in ("sql", "python"):
        return None
    added = [*(stage.derive or ()), *((stage.rename or {}).values())]
    if stage.add_timestamps is not None:
        added.append(stage.add_timestamps.loaded_at)
    gone = {name.lower() for name in (*(stage.rename or ()), *(stage.drop or ()))}
    kept = {name.lower() for name in stage.select} if stage.select is not None else set(known)
    left = {lower: name for lower, name in known.items() if lower in kept - gone}
    return {**left, **{name.lower(): name for name in added}}


def _stage_columns(steps: Steps, stage: Stage, known: Known) -> Findings:
    named: dict[str, Iterable[str]] = {
        "rename": stage.rename or (),
        "select": stage.select or (),
        "drop": stage.drop or (),
        "cast": stage.cast or (),
        "unnest": [stage.unnest] if stage.unnest else (),
    }
    for key, columns in named.items():
        yield from _exist((*steps, key), columns, known, by_key=key in ("rename", "cast"))
    if stage.deduplicate is not None:
        yield from _exist((*steps, "deduplicate", "key"), stage.deduplicate.key or (), known)
    if known is not None:
        yield from _leaves_columns_apart(steps, stage, known)
    if stage.normalize_timestamps is not None:
        yield from _exist((*steps, "normalize_timestamps", "columns"), stage.normalize_timestamps.columns, known)


def _leaves_columns_apart(steps: Steps, stage: Stage, known: dict[str, str]) -> Findings:
    """Refuse two columns of one name, and rows without any."""
    taken = set(known) - {old.lower() for old in stage.rename or ()}
    for old, new in (stage.rename or {}).items():
        if new.lower() in taken:
            hint = "choose another name, or `drop` the one first"
            yield Finding((*steps, "rename", old), f"a second column would be called '{new}'", hint)
        taken.add(new.lower())
    if stage.add_timestamps is not None and stage.add_timestamps.loaded_at.lower() in taken:
        name = stage.add_timestamps.loaded_at
        hint = "give another name, as in add_timestamps: {loaded_at: seen_at}"
        yield Finding((*steps, "add_timestamps", "loaded_at"), f"there is a column '{name}' already", hint)
    if stage.drop is not None and not set(known) - {name.lower() for name in stage.drop}:
        yield Finding((*steps, "drop"), "no column would be left", "keep one of them", on_key=True)


def _check_columns(spec: WorkflowSpec, steps: Steps, check: Check, *, known: Known) -> Findings:
    kind = check_kind(check)
    argument = check_argument(check, kind)
    if isinstance(argument, tuple):
        yield from _exist((*steps, kind), argument, known)
    elif isinstance(column := getattr(argument, "column", None), str):
        yield from _exist((*steps, kind, "column"), [column], known)
    if check.schema_ is not None:
        yield from _exist((*steps, "schema", "columns"), check.schema_.columns, known, by_key=True)
    if check.relationships is not None:
        table, _, column = check.relationships.to.partition(".")
        to = columns_of_table(spec, table)
        if to is not None and column.lower() not in to:
            hint = known_words(column, to.values(), what=f"the columns of {table}")
            yield Finding((*steps, kind, "to"), f"'{column}' is no column of {table}", hint)


def _exist(steps: Steps, columns: Iterable[str], known: Known, *, by_key: bool = False) -> Iterator[Finding]:
    if known is None:
        return
    for index, column in enumerate(columns):
        if column.lower() not in known and not column.casefold().startswith(RESERVED):
            hint = known_words(column, known.values(), what="the columns")
            place = (*steps, column) if by_key else (*steps, index)
            yield Finding(place, f"'{column}' is no column here", hint, on_key=by_key)
