"""A check as SQL, and the rows that it judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.queries import columns_of, relation_sql
from dataflow.sensitive import NOTHING_SENSITIVE, Sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from dataflow.interval import Interval
    from dataflow.quality.anomaly import Past

__all__ = ["Judged", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How to judge one check."""

    columns: tuple[str, ...]
    counts: str
    """A query for one row: judged rows, failing rows (NULL: no verdict), then what ``describe`` needs."""
    failing: str | None
    """A query for the failing rows; None for a check of the table as a whole, which knows no ``max_failures``."""
    describe: Callable[[int, int, tuple[Any, ...]], str]
    """The message, from judged rows, failing rows and the rest of ``counts``."""
    low: float | None = None
    """Of an anomaly: the least value that is usual, and below that the largest."""
    high: float | None = None
    more_counts: tuple[str, ...] = ()
    """Queries like ``counts`` for further parts of the rows, whose figures are added to its own."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The rows that a check judges, and what it may look up."""

    connection: duckdb.DuckDBPyConnection
    relation: str
    where: str | None
    window: Interval
    tables: Mapping[str, str]
    past: Sequence[Past] = ()
    """What an ``anomaly`` compares with: values of earlier windows, the latest first."""
    sensitive: Sensitive = NOTHING_SENSITIVE
    """What no message tells."""

    @property
    def rows(self) -> str:
        """The judged rows, to stand after FROM."""
        return f"({self.filtered(f'SELECT * FROM {relation_sql(self.relation)}')})"

    def filtered(self, query: str) -> str:
        """Give the query's rows for which ``where`` holds."""
        # An author's expression may end in a comment: what follows it begins a new line.
        return query if self.where is None else f"SELECT * FROM ({query}\n) WHERE ({self.where}\n)"

    def columns(self) -> dict[str, str]:
        """Give names and types of the relation's columns."""
        return columns_of(self.connection, self.relation)

    def hides(self, column: str) -> bool:
        """Tell whether no message may tell a value of the column."""
        return self.sensitive.hides(column)
