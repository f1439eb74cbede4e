"""Values that nobody is shown: those of columns that a config calls ``sensitive``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.queries import duckdb_message
from dataflow.spec.sources import VARIANT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.spec.checks import Check
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["HIDDEN", "NOTHING_SENSITIVE", "Sensitive", "sensitive_in_batch", "sensitive_in_transform"]

HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Sensitive:
    """What of a judged table may not be shown."""

    columns: frozenset[str] = frozenset()
    """Names, in lower case."""
    everything: bool = False
    """Whether any column may hold what is sensitive, under another name."""
    anywhere: bool = False
    """Whether any table that a query may read has something sensitive."""

    def masked(self, check: Check, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give the rows with ``***`` in place of what may not be shown; that a value is missing is seen."""
        # A query gives columns what names it likes, and takes them from any table.
        all_of_it = self.everything or (self.anywhere and check.sql is not None)
        return [
            {
                name: HIDDEN if value is not None and (all_of_it or name.lower() in self.columns) else value
                for name, value in row.items()
            }
            for row in rows
        ]

    def told(self, error: Exception) -> str:
        """Give an error's text; DuckDB repeats the value that it could not read, but not where it read none."""
        import duckdb

        about_the_text = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
        if self.anywhere and isinstance(error, duckdb.Error) and not isinstance(error, about_the_text):
            return f"{type(error).__name__}: the value is not shown, for there are sensitive columns"
        return duckdb_message(error)


NOTHING_SENSITIVE = Sensitive()


def sensitive_in_batch(spec: WorkflowSpec, source: str) -> Sensitive:
    """Say what may not be shown of a source's batch, whose columns are as the source names them."""
    found = _sensitive_columns(spec)
    return Sensitive(found.get(source, frozenset()), anywhere=any(found.values()))


def sensitive_in_transform(spec: WorkflowSpec) -> Sensitive:
    """Say what may not be shown of a table between its stages, whose columns may be renamed and made of each other."""
    columns = frozenset[str]().union(*_sensitive_columns(spec).values())
    return Sensitive(columns, everything=bool(columns), anywhere=bool(columns))


def _sensitive_columns(spec: WorkflowSpec) -> dict[str, frozenset[str]]:
    # What does not fit its column may be landed beside it, see `schema_contract`, and is no less sensitive there.
    return {
        name: frozenset(
            f"{column}{end}".lower()
            for column, said in source.columns.items()
            if said.sensitive
            for end in ("", VARIANT)
        )
        for name, source in spec.sources.items()
    }
