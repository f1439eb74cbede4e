"""What must hold for a table: checks with the names of dbt's tests."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, Strict, model_validator

from dataflow.spec.base import Count, Duration, Names, Spec, Sql, Text

__all__ = [
    "CHECK_KINDS",
    "TABLE_WIDE",
    "AcceptedValues",
    "Anomaly",
    "Check",
    "Freshness",
    "NullRate",
    "Range",
    "Regex",
    "Relationship",
    "RowCount",
    "TableSchema",
    "check_argument",
    "check_kind",
    "check_name",
]

Scalar = str | int | float | bool


def _in_order(least: float | None, most: float | None) -> None:
    if least is not None and most is not None and least > most:
        raise ValueError(f"nothing is at least {least} and at most {most}; `min` is the smaller one")


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
        if not isinstance(self.min, str) and not isinstance(self.max, str):
            _in_order(self.min, self.max)
        return self


class RowCount(Spec):
    """The batch has this many rows."""

    min: Count | None = None
    max: Count | None = None

    @model_validator(mode="after")
    def _bounded(self) -> RowCount:
        if self.min is None and self.max is None:
            raise ValueError("give `min`, `max` or both")
        _in_order(self.min, self.max)
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


class Regex(Spec):
    """Every value of a column is, as a whole, what a pattern describes; a null passes."""

    column: Text
    """Judged as text, whatever its type."""
    pattern: Text
    """A regular expression of DuckDB (RE2) for the whole value: no ``^`` and ``$`` needed, ``(?i)`` ignores case."""


class NullRate(Spec):
    """At most this share of a column is null."""

    column: Text
    max: Annotated[float, Strict(), Field(ge=0, le=1)]
    """From 0 to 1: ``0.05`` is one row in twenty."""


class TableSchema(Spec):
    """The table has these columns, of these types."""

    columns: Annotated[dict[Text, Text], Field(min_length=1)]
    """Names and DuckDB types, in any order."""
    others: Literal["allow", "refuse"] = "allow"
    """Whether the table may have further columns."""


class Anomaly(Spec):
    """A figure of this run is not far from what it was in earlier windows."""

    metric: Literal["row_count", "null_rate", "sum", "freshness"]
    """``row_count``, or of a ``column``: its ``null_rate``, its ``sum``, or its ``freshness``: how long before the
    window's end its newest value is."""
    column: Text | None = None
    """Of which column; ``row_count`` has none."""
    history: Annotated[int, Strict(), Field(ge=3, le=366)] = 14
    """With how many windows it is compared: the last completed ones before this run's."""
    sensitivity: Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)] = 3
    """How far it may be from what is usual, in units of its usual spread: less is stricter."""

    @model_validator(mode="after")
    def _column_where_there_is_one(self) -> Self:
        if self.metric == "row_count" and self.column is not None:
            raise ValueError("`row_count` is of the table; leave `column` out, or name another metric")
        if self.metric != "row_count" and self.column is None:
            raise ValueError(f"`{self.metric}` is of a column; name it as `column`")
        return self

    @property
    def least(self) -> int:
        """Of how many windows the figure must be known before anything is odd: a week of days."""
        return min(self.history, 7)


CHECK_KINDS = (
    "not_null",
    "unique",
    "accepted_values",
    "range",
    "regex",
    "null_rate",
    "row_count",
    "freshness",
    "relationships",
    "schema",
    "anomaly",
    "sql",
)

TABLE_WIDE = ("null_rate", "row_count", "freshness", "schema", "anomaly")
"""Kinds that judge the rows together: no single row fails them, so there is nothing to let pass."""


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
    regex: Regex | None = None
    """Every value of a column has this form."""
    null_rate: NullRate | None = None
    """At most this share of a column is null."""
    row_count: RowCount | None = None
    """The batch has this many rows."""
    freshness: Freshness | None = None
    """The newest value is new enough, seen from the window's end."""
    relationships: Relationship | None = None
    """Every value is found in another table."""
    schema_: Annotated[TableSchema | None, Field(alias="schema")] = None
    """The table has these columns, of these types."""
    anomaly: Anomaly | None = None
    """A figure is near what it was in earlier windows."""
    sql: Sql | None = None
    """A query; the rows that it returns are the failures."""

    name: Text | None = None
    """What the check is called in run history; by default its kind and columns."""
    where: Sql | None = None
    """Judge only the rows for which this holds."""
    on_fail: Literal["error", "warn", "quarantine"] = "error"
    """``error`` fails the task, ``warn`` records it and goes on, ``quarantine`` sets the failing rows aside and goes on
    without them; that only in ``validate``, and for checks that say which rows fail."""
    max_failures: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?%$")] | Count | None = None
    """Failing rows that are let pass: a number, or a share such as ``1%``; by default none. With
    ``on_fail: quarantine`` so many may be set aside, by default any number; where there are more the task fails."""

    @model_validator(mode="after")
    def _one_kind(self) -> Check:
        given = [kind for kind in CHECK_KINDS if check_argument(self, kind) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"a check is exactly one of {', '.join(CHECK_KINDS)}; found {found}")
        return self


def check_kind(check: Check) -> str:
    """Give the one kind that is set."""
    return next(kind for kind in CHECK_KINDS if check_argument(check, kind) is not None)


def check_argument(check: Check, kind: str) -> Any:
    """Give what a check says under a kind; None where it is of another."""
    return check.schema_ if kind == "schema" else getattr(check, kind)


def check_name(check: Check) -> str:
    """Give the name under which run history keeps the check: its own, else kind and columns."""
    if check.name:
        return check.name
    kind = check_kind(check)
    argument: Any = check_argument(check, kind)
    if isinstance(argument, tuple):
        return f"{kind}_{'_'.join(argument)}"
    words = (kind, getattr(argument, "metric", None), getattr(argument, "column", None))
    return "_".join(word for word in words if word)
