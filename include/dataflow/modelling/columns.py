"""Which columns a loaded table has, as far as its config alone tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dataflow.spec.tables import base_source, transform_of
from dataflow.spec.transforms import stage_kind

if TYPE_CHECKING:
    from dataflow.spec.transforms import Stage
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["CARRIED", "CURSOR", "SourceColumn", "columns_of"]


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """What is known of one column."""

    type: str | None
    """Its DuckDB type; None where it is an expression's."""
    description: str


Columns = dict[str, SourceColumn]

CARRIED = {
    "_dataflow_run": SourceColumn("VARCHAR", "The run that loaded the row."),
    "_dataflow_window_start": SourceColumn("TIMESTAMPTZ", "Where that run's window begins."),
    "_dataflow_window_end": SourceColumn("TIMESTAMPTZ", "Where that run's window ends."),
}
CURSOR = {"_dataflow_cursor": SourceColumn("TIMESTAMPTZ", "The row's value of the source's cursor.")}


def columns_of(spec: WorkflowSpec, table: str) -> Columns | None:
    """Follow the source's declared columns through the table's stages.

    Returns:
        The columns in order, ours at the end; None where SQL, Python or an undeclared source decides them.
    """
    source = base_source(spec, table)
    if source is None or not spec.sources[source].columns:
        return None
    declared = spec.sources[source]
    columns = {name: SourceColumn(column.type, column.description) for name, column in declared.columns.items()}
    for stage in transform_of(spec, table).stages:
        kind = stage_kind(stage)
        if kind in ("sql", "python"):
            return None
        if kind in _AFTER:
            columns = _AFTER[kind](columns, stage)
    return columns | CARRIED | (CURSOR if declared.incremental is not None else {})


def _with_type(columns: Columns, name: str, type_: str | None) -> Columns:
    old = columns.get(name, SourceColumn(None, ""))
    return columns | {name: replace(old, type=type_)}


def _normalize(columns: Columns, stage: Stage) -> Columns:
    for name in stage.normalize_timestamps.columns if stage.normalize_timestamps else ():
        columns = _with_type(columns, name, "TIMESTAMPTZ")
    return columns


def _derive(columns: Columns, stage: Stage) -> Columns:
    for name in stage.derive or {}:
        columns = _with_type(columns, name, None)
    return columns


def _rename(columns: Columns, stage: Stage) -> Columns:
    names = stage.rename or {}
    return {names.get(name, name): column for name, column in columns.items()}


def _select(columns: Columns, stage: Stage) -> Columns:
    return {name: columns.get(name, SourceColumn(None, "")) for name in stage.select or ()}


def _drop(columns: Columns, stage: Stage) -> Columns:
    return {name: column for name, column in columns.items() if name not in (stage.drop or ())}


def _cast(columns: Columns, stage: Stage) -> Columns:
    for name, type_ in (stage.cast or {}).items():
        columns = _with_type(columns, name, type_)
    return columns


def _unnest(columns: Columns, stage: Stage) -> Columns:
    name = stage.unnest or ""
    type_ = columns[name].type if name in columns else None
    return _with_type(columns, name, type_.removesuffix("[]") if type_ and type_.endswith("[]") else None)


def _add_timestamps(columns: Columns, stage: Stage) -> Columns:
    name = stage.add_timestamps.loaded_at if stage.add_timestamps else ""
    return columns | {name: SourceColumn("TIMESTAMPTZ", "The end of the window of the run that loaded the row.")}


_AFTER: dict[str, Callable[[Columns, Stage], Columns]] = {
    "normalize_timestamps": _normalize,
    "derive": _derive,
    "rename": _rename,
    "select": _select,
    "drop": _drop,
    "cast": _cast,
    "unnest": _unnest,
    "add_timestamps": _add_timestamps,
}
