"""What must hold for a table: checks with the names of dbt's tests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from dataflow.spec.base import Count, Duration, Names, Spec, Sql, Text

__all__ = [
    "CHECK_KINDS",
    "AcceptedValues",
    "Check",
    "Freshness",
    "Range",
    "Relationship",
    "RowCount",
    "check_kind",
    "check_name",
]

Scalar = str | int | float | bool


class AcceptedValues(Spec):
    """A column holds only these values."""

    column: Text
    values: Annotated[tuple[Scalar, ...], Field(min_length=1)]


class Range(Spec):
    """A column lies between two values, both included; a null passes."""

    column: Text
    min: int | float | str | None = None
    max: int | float | str | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Range:
        if self.min is None and self.max is None:
            raise ValueError("give `min`, `max` or both")
        return self


class RowCount(Spec):
    """The batch has this many rows."""

    min: Count | None = None
    max: Count | None = None

    @model_validator(mode="after")
    def _bounded(self) -> RowCount:
        if self.min is None and self.max is None:
            raise ValueError("give `min`, `max` or both")
        return self


class Freshness(Spec):
    """The newest value of a column is at most ``max_age`` older than the window's end."""

    column: Text
    max_age: Duration


class Relationship(Spec):
    """Every value of a column is found in another table; a null passes."""

    column: Text
    to: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$")]
    """``<table>.<column>``, among what is loaded plus this run's batch."""


CHECK_KINDS = (
    "not_null",
    "unique",
    "accepted_values",
    "range",
    "row_count",
    "freshness",
    "relationships",
    "sql",
)


class Check(Spec):
    """One check: exactly one kind, and beside it how to judge it."""

    not_null: Names | None = None
    """These columns, each of them, hold no null."""
    unique: Names | None = None
    """No two rows have the same value; a list means the combination."""
    accepted_values: AcceptedValues | None = None
    """A column holds only these values."""
    range: Range | None = None
    """A column lies between two values."""
    row_count: RowCount | None = None
    """The batch has this many rows."""
    freshness: Freshness | None = None
    """The newest value is new enough, seen from the window's end."""
    relationships: Relationship | None = None
    """Every value is found in another table."""
    sql: Sql | None = None
    """A query; the rows that it returns are the failures."""

    name: Text | None = None
    """What the check is called in run history; by default its kind and columns."""
    where: Sql | None = None
    """Judge only the rows for which this holds."""
    on_fail: Literal["error", "warn"] = "error"
    """``error`` fails the task, ``warn`` records it and goes on."""
    max_failures: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?%$")] | Count = 0
    """Failing rows that are let pass: a number, or a share such as ``1%``."""

    @model_validator(mode="after")
    def _one_kind(self) -> Check:
        given = [kind for kind in CHECK_KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"a check is exactly one of {', '.join(CHECK_KINDS)}; found {found}")
        return self


def check_kind(check: Check) -> str:
    """Give the one kind that is set."""
    return next(kind for kind in CHECK_KINDS if getattr(check, kind) is not None)


def check_name(check: Check) -> str:
    """Give the name under which run history keeps the check: its own, else kind and columns."""
    if check.name:
        return check.name
    kind = check_kind(check)
    argument: Any = getattr(check, kind)
    if isinstance(argument, tuple):
        return f"{kind}_{'_'.join(argument)}"
    column = getattr(argument, "column", None)
    return f"{kind}_{column}" if column else kind
