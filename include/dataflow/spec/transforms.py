"""What happens to a table between its batch and the warehouse: a list of stages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from dataflow.spec.base import Name, Names, Spec, Sql, Text
from dataflow.spec.checks import Check

__all__ = ["STAGE_KINDS", "Deduplicate", "NormalizeTimestamps", "Stage", "Transform", "TransformBody", "stage_kind"]


class Deduplicate(Spec):
    """Keep one row of each key."""

    key: Names | None = None
    """The columns that make two rows the same; without it, all of them."""
    order_by: Sql | None = None
    """Which row stays: the first in this order, e.g. ``updated_at desc``."""

    @model_validator(mode="after")
    def _ordered_by_key(self) -> Deduplicate:
        if (self.key is None) != (self.order_by is None):
            raise ValueError("give `key` and `order_by` together, or neither to drop whole rows that are equal")
        return self


class NormalizeTimestamps(Spec):
    """Make text or timestamps without a zone ``TIMESTAMPTZ``."""

    columns: Names
    timezone: Text = "UTC"
    """The zone of values that name none."""


class AddTimestamps(Spec):
    """Add when the row was loaded."""

    loaded_at: Text = "loaded_at"
    """The column's name; it holds the end of the run's window, so that a rerun gives the same rows."""


STAGE_KINDS = (
    "deduplicate",
    "normalize_timestamps",
    "derive",
    "filter",
    "rename",
    "select",
    "drop",
    "cast",
    "unnest",
    "add_timestamps",
    "sql",
    "python",
    "check",
)


class Stage(Spec):
    """One stage: exactly one kind."""

    deduplicate: Deduplicate | None = None
    """Keep one row of each key, or of each whole row."""
    normalize_timestamps: NormalizeTimestamps | None = None
    """Make columns ``TIMESTAMPTZ``."""
    derive: Annotated[dict[Text, Sql], Field(min_length=1)] | None = None
    """New or replaced columns and their DuckDB expressions."""
    filter: Sql | None = None
    """Keep the rows for which this holds."""
    rename: Annotated[dict[Text, Text], Field(min_length=1)] | None = None
    """Old names and new ones."""
    select: Names | None = None
    """Keep these columns."""
    drop: Names | None = None
    """Leave these columns out."""
    cast: Annotated[dict[Text, Text], Field(min_length=1)] | None = None
    """Columns and the DuckDB types to make them; a value that does not fit fails the task."""
    unnest: Text | None = None
    """A list column: one row for each of its items."""
    add_timestamps: AddTimestamps | None = None
    """Add when the row was loaded."""
    sql: Sql | None = None
    """A query over this table and others."""
    python: Text | None = None
    """A function of ``transform.py``, or ``module:function``."""
    check: Check | None = None
    """Any check, judged on the rows as they are at this stage."""

    @model_validator(mode="after")
    def _one_kind(self) -> Stage:
        given = [kind for kind in STAGE_KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"a stage is exactly one of {', '.join(STAGE_KINDS)}; found {found}")
        return self


def _stage(value: Any) -> Any:
    bare = ("deduplicate", "add_timestamps")
    return {value: {}} if isinstance(value, str) and value in bare else value


def _transform(value: Any) -> Any:
    return {"stages": value} if isinstance(value, (list, tuple)) else value


AnyStage = Annotated[
    Stage, BeforeValidator(_stage, json_schema_input_type=Stage | Literal["deduplicate", "add_timestamps"])
]


class TransformBody(Spec):
    """How one output table is made."""

    from_: Annotated[Name | None, Field(alias="from")] = None
    """The source that it starts from; by default the source of the same name."""
    stages: tuple[AnyStage, ...] = ()
    """What happens to the rows, in this order."""


Transform = Annotated[
    TransformBody, BeforeValidator(_transform, json_schema_input_type=TransformBody | tuple[AnyStage, ...])
]
"""A list of stages, or ``{from: <table>, stages: [...]}``."""


def stage_kind(stage: Stage) -> str:
    """Give the one kind that is set."""
    return next(kind for kind in STAGE_KINDS if getattr(stage, kind) is not None)
