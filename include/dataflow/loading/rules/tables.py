"""Tables: each that a config names exists, none is made from itself, and each is loaded in a way that is idempotent."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from dataflow.loading.messages import shown
from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.near_miss import did_you_mean, known_words
from dataflow.s3.place import is_place, is_s3
from dataflow.spec.checks import Check
from dataflow.spec.sources import is_windowed
from dataflow.spec.tables import (
    base_source,
    is_windowed_table,
    load_of,
    sql_stages,
    tables_named_in_sql,
    tables_of,
    transform_of,
)
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["is_loaded_safely", "publish_and_dbt_are_sound", "reads_have_no_cycle", "reads_of", "tables_exist"]

Reads = dict[str, frozenset[str]]
MAX_SHOWN = 12
"""Tables of a cycle."""


def tables_exist(subject: Subject) -> Findings:
    """Check the tables that `validate`, `transform`, `load` and `relationships` name."""
    spec = subject.spec
    tables = tables_of(spec)
    yield from _judged_tables_exist(subject)
    for table, transform in spec.transform.items():
        if transform.from_ is not None and transform.from_ not in spec.sources:
            hint = known_words(transform.from_, spec.sources, what="the sources")
            yield Finding(("transform", table, "from"), f"no source '{transform.from_}'", hint)
        for index, stage in enumerate(transform.stages):
            if stage.check is not None:
                yield from _related_table_exists(("transform", table, "stages", index, "check"), stage.check, tables)
    for table in spec.load:
        if table not in tables:
            yield Finding(("load", table), "no table of this name", known_words(table, tables), on_key=True)
    yield from _outputs_begin_with_rows(subject)


def _judged_tables_exist(subject: Subject) -> Findings:
    spec = subject.spec
    for table, checks in spec.validate_.items():
        if table not in spec.sources:
            hint = known_words(table, spec.sources, what="the sources")
            if table in spec.transform:
                hint = "`validate` judges what sources deliver, write a `check` stage in its transform"
            yield Finding(("validate", table), "no source of this name", hint, on_key=True)
        for index, check in enumerate(checks):
            yield from _related_table_exists(("validate", table, index), check, tables_of(spec))


def _related_table_exists(steps: Steps, check: Check, tables: tuple[str, ...]) -> Findings:
    if check.relationships is not None:
        table = check.relationships.to.partition(".")[0]
        if table not in tables:
            hint = known_words(table, tables, what="the tables")
            yield Finding((*steps, "relationships", "to"), f"no table '{table}'", hint)


def _outputs_begin_with_rows(subject: Subject) -> Findings:
    spec = subject.spec
    for table, transform in spec.transform.items():
        first = transform.stages[0] if transform.stages else None
        has_rows = base_source(spec, table) is not None
        if not has_rows and (first is None or (first.sql is None and first.python is None)):
            near = did_you_mean(table, spec.sources)
            hint = near or "give `from: <source>`, or begin with a `sql` or `python` stage"
            yield Finding(("transform", table), "no source of this name to begin with", hint, on_key=True)


def reads_have_no_cycle(subject: Subject, reads: Reads) -> Findings:
    """Refuse outputs that wait for each other, and batches of what is no source."""
    known = frozenset(tables_of(subject.spec))
    for table, stages in ((table, sql_stages(body)) for table, body in subject.spec.transform.items()):
        for name in sorted(each for sql in stages for each in tables_named_in_sql(sql, known)):
            if name.startswith("batch.") and name.removeprefix("batch.") not in subject.spec.sources:
                hint = "only sources have a batch, name the table without `batch.`"
                yield Finding(("transform", table), f"there is no {name}", hint, on_key=True)
    cycle = _find_cycle(reads)
    if cycle:
        shown = cycle if len(cycle) <= MAX_SHOWN else [*cycle[: MAX_SHOWN - 2], "...", cycle[-1]]
        message = f"these tables read each other: {' -> '.join(shown)}"
        yield Finding(("transform", cycle[0]), message, "break the circle", on_key=True)


def _find_cycle(reads: Reads) -> list[str]:
    """Give a cycle in the order in which each table reads the next, the first also last; empty where there is none."""
    if not any(reads.values()):
        return []
    try:
        TopologicalSorter({table: sorted(reads[table]) for table in sorted(reads)}).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def is_loaded_safely(subject: Subject, reads: Reads) -> Findings:
    """Check that no load can double, lose or overwrite rows with older ones."""
    spec = subject.spec
    for table in tables_of(spec):
        mode, load = load_of(spec, table)
        steps: Steps = ("load", table)
        windowed = _windowed_source(spec, table, reads)
        if mode == "replace" and windowed:
            message = f"`replace` would keep only the last window of {windowed}"
            yield Finding((*steps, "mode"), message, "use append, or merge with a key")
        if mode == "merge" and load.key is None:
            yield Finding((*steps, "key"), "required with `merge`", "the columns that make two rows the same")
        if mode == "merge" and windowed and load.newest_by is None:
            message = f"required with `merge` where {windowed} is read in windows"
            yield Finding((*steps, "newest_by"), message, "the column that says which of two rows is newer")


def _windowed_source(spec: WorkflowSpec, table: str, reads: Reads) -> str | None:
    """Give the source whose window or batch the table is made of, where another window gives other rows."""
    if is_windowed_table(spec, table):
        return base_source(spec, table)
    batches = (name.removeprefix("batch.") for name in sorted(reads.get(table, ())) if name.startswith("batch."))
    return next((name for name in batches if name in spec.sources and is_windowed(spec.sources[name])), None)


def publish_and_dbt_are_sound(subject: Subject) -> Findings:
    """Check what is published, and the param that makes dbt start afresh."""
    spec = subject.spec
    known = subject.models or tables_of(spec)
    for index, model in enumerate(spec.publish.models):
        if model not in known:
            what = f"model in dbt/models/{spec.name}" if subject.models else "table"
            hint = known_words(model, known, what="there are")
            yield Finding(("publish", "models", index), f"no {what} is called '{model}'", hint)
    yield from _copy_has_a_place(spec.publish.to)
    flag = spec.dbt.full_refresh
    if isinstance(flag, str):
        param = spec.params.get(flag.removeprefix("params."))
        if not flag.startswith("params.") or param is None or param.type != "boolean":
            flags = [f"params.{name}" for name, param in spec.params.items() if param.type == "boolean"]
            hint = known_words(flag, flags, what="the boolean params") or "define it in `params` with type: boolean"
            yield Finding(("dbt", "full_refresh"), "names no boolean param", hint)


def _copy_has_a_place(to: str | None) -> Findings:
    steps: Steps = ("publish", "to")
    if to is None:
        return
    if "cursor." in to:
        yield Finding(steps, "there is no cursor when a run publishes", "write window. for cursor.")
    if to.startswith("${"):
        return
    if is_s3(to) and "${" not in to and "{{" not in to and not is_place(to):
        yield Finding(steps, f"{shown(to)} is no place in S3", "write s3://connection@bucket/folder")
    elif not is_s3(to) and not to.startswith("/"):
        hint = "write s3://connection@bucket/folder, or a folder's absolute path"
        yield Finding(steps, f"{shown(to)} is no place that a copy goes to", hint)


def reads_of(subject: Subject, *, python: dict[str, frozenset[str]]) -> Reads:
    """Give for each output the other tables that its transform reads; ``batch.x`` for a batch.

    Args:
        subject: The workflow.
        python: For each reference of a `python` stage, the tables that its function names.
    """
    spec = subject.spec
    known = frozenset(tables_of(spec))
    known_or_batch = known | {f"batch.{name}" for name in known}
    reads: Reads = {}
    for table in spec.transform:
        transform = transform_of(spec, table)
        named = {name for sql in sql_stages(transform) for name in tables_named_in_sql(sql, known)}
        named |= {name for stage in transform.stages if stage.python for name in python[stage.python]}
        reads[table] = (known_or_batch & named) - {table}
    return reads
