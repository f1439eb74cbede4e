"""Values that nobody is shown: those of columns that a config calls ``sensitive``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.duckdb_memory import words_of_full_disk
from dataflow.lost_lake import words_of_loss
from dataflow.queries import duckdb_message
from dataflow.spec.sources import VARIANT
from dataflow.spec.tables import base_source, transform_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.spec.checks import Check
    from dataflow.spec.workflow import WorkflowSpec

__all__ = [
    "HIDDEN",
    "NOTHING_SENSITIVE",
    "NOT_SHOWN",
    "Sensitive",
    "sensitive_in_batch",
    "sensitive_in_load",
    "sensitive_in_transform",
    "without_values",
]

HIDDEN = "***"
NOT_SHOWN = "the value is not shown, for there are sensitive columns"


@dataclass(frozen=True, slots=True)
class Sensitive:
    """What of a table may not be shown."""

    columns: frozenset[str] = frozenset()
    """Names, in lower case."""
    everything: bool = False
    """Whether any column may hold what is sensitive, under another name."""
    anywhere: bool = False
    """Whether any table that a query may read has something sensitive."""

    def hides(self, column: str) -> bool:
        """Tell whether no message may tell a value of the column."""
        return self.everything or column.lower() in self.columns

    def hides_words_of(self, error: BaseException) -> bool:
        """Tell whether an error is one of DuckDB's that may repeat a value which nobody is shown."""
        import duckdb

        # These are about the text, the place or the machine.
        harmless = (
            *(duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException),
            *(duckdb.OperationalError, duckdb.NotSupportedError, duckdb.PermissionException),
            duckdb.InterruptException,
        )
        return self.anywhere and isinstance(error, duckdb.Error) and not isinstance(error, harmless)

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
        return (
            f"{type(error).__name__}: {without_values(error)}" if self.hides_words_of(error) else duckdb_message(error)
        )


def without_values(error: BaseException) -> str:
    """Give what is told instead of an error's words.

    Of a full disk and of a lost lake the fixed words stay: by them a task knows that another try may mend it.
    """
    import duckdb

    # These repeat values, in which such words may be, too.
    of_data = (duckdb.DataError, duckdb.IntegrityError, duckdb.ProgrammingError)
    if not isinstance(error, (duckdb.Error, OSError)) or isinstance(error, of_data):
        return NOT_SHOWN
    text = str(error)
    words = words_of_full_disk(text) or words_of_loss(text)
    return f"{words}; {NOT_SHOWN}" if words else NOT_SHOWN


NOTHING_SENSITIVE = Sensitive()


def sensitive_in_batch(spec: WorkflowSpec, source: str) -> Sensitive:
    """Say what may not be shown of a source's batch, whose columns are as the source names them."""
    found = _sensitive_columns(spec)
    return Sensitive(found.get(source, frozenset()), anywhere=any(found.values()))


def sensitive_in_transform(spec: WorkflowSpec) -> Sensitive:
    """Say what may not be shown of a table between its stages, whose columns may be renamed and made of each other."""
    columns = frozenset[str]().union(*_sensitive_columns(spec).values())
    return Sensitive(columns, everything=bool(columns), anywhere=bool(columns))


def sensitive_in_load(spec: WorkflowSpec, table: str) -> Sensitive:
    """Say what may not be shown of the rows that are loaded: without stages, columns are as the source names them."""
    source = base_source(spec, table)
    if source is None or transform_of(spec, table).stages:
        return sensitive_in_transform(spec)
    return sensitive_in_batch(spec, source)


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
