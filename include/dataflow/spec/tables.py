"""Which tables a workflow has, how each is loaded, and what each reads."""

from __future__ import annotations

import re
from typing import Literal

from dataflow.spec.sources import is_windowed
from dataflow.spec.transforms import TransformBody, stage_kind
from dataflow.spec.workflow import Load, WorkflowSpec

__all__ = [
    "base_source",
    "is_incremental_table",
    "is_windowed_table",
    "load_of",
    "tables_named_in_sql",
    "tables_of",
    "transform_of",
]

_WORD = re.compile(r"\b(?:from|join|,)\s*([a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?)", re.IGNORECASE)


def tables_of(spec: WorkflowSpec) -> tuple[str, ...]:
    """Give every table that is loaded: each source's, then each further output's, in the order written."""
    return tuple(dict.fromkeys([*spec.sources, *spec.transform]))


def transform_of(spec: WorkflowSpec, table: str) -> TransformBody:
    """Give the table's transform; an empty one where none is written."""
    return spec.transform.get(table) or TransformBody()


def base_source(spec: WorkflowSpec, table: str) -> str | None:
    """Give the source whose batch the table starts from; None for one made from others by `sql` or `python`."""
    named = transform_of(spec, table).from_
    if named is not None:
        return named
    return table if table in spec.sources else None


def is_windowed_table(spec: WorkflowSpec, table: str) -> bool:
    """Tell whether two runs of different windows give different rows."""
    source = base_source(spec, table)
    return source is not None and is_windowed(spec.sources[source])


def is_incremental_table(spec: WorkflowSpec, table: str) -> bool:
    """Tell whether the table starts from an incremental source."""
    source = base_source(spec, table)
    return source is not None and spec.sources[source].incremental is not None


def load_of(spec: WorkflowSpec, table: str) -> tuple[Literal["replace", "append", "merge"], Load]:
    """Give the table's load mode, the default resolved, and what is written beside it."""
    load = spec.load.get(table) or Load()
    if load.mode is not None:
        return load.mode, load
    if load.key is not None:
        return "merge", load
    return ("append" if is_windowed_table(spec, table) else "replace"), load


def tables_named_in_sql(sql: str, known: frozenset[str]) -> frozenset[str]:
    """Give which of the known tables follow a FROM, a JOIN or a comma; ``batch.x`` gives ``batch.x``."""
    found = {name.lower() for name in _WORD.findall(sql)}
    return frozenset(name for name in found if name in known or name.removeprefix("batch.") in known)


def sql_stages(transform: TransformBody) -> list[str]:
    """Give the queries of its `sql` stages."""
    return [stage.sql for stage in transform.stages if stage_kind(stage) == "sql" and stage.sql]
