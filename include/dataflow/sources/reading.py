"""What a source's reader gives: SQL that names rows as they came, and how each column becomes its declared type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import StepError
from dataflow.identifiers import quote
from dataflow.sources.fit import Fit, fit

if TYPE_CHECKING:
    import duckdb

__all__ = ["NO_COLUMN", "RawColumn", "Reading", "SourceFile", "select_of"]

NO_COLUMN = "dataflow: no column"
"""Holds the place of columns where rows have none; never landed, and no column of data is named so."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to read, and how messages name it."""

    path: Path
    shown: str
    rows_before: int = 0
    """Rows in the files before it that messages count with it."""
    row_place: Callable[[int], str] | None = None
    """Names a row, where the file is made of several things: the third record of the seventh page."""

    def place(self, number: int, unit: str = "row") -> str:
        """Name one of its rows for messages; the first is 1."""
        if self.row_place is not None:
            return self.row_place(number)
        return f"{self.shown}: {unit} {number + self.rows_before}"


@dataclass(frozen=True, slots=True)
class RawColumn:
    """One column to land."""

    name: str
    """As it is landed."""
    raw: str | None
    """As the reader names it; None for one that is NULL in every row."""
    kind: str
    """The DuckDB type that the reader gives."""
    declared: str | None = None
    """The DuckDB type it must have; None to keep the reader's."""
    form: str | None = None
    """How a time is written, in the words of strptime."""

    @property
    def fit(self) -> Fit:
        """How its values become the declared type."""
        if self.raw is None:
            return Fit(f"cast(null as {self.declared})" if self.declared else "null")
        return fit(quote(self.raw), self.kind, declared=self.declared, form=self.form)


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows of one shape."""

    scan: Callable[[Sequence[Path]], str]
    """Gives the FROM clause that reads these files."""
    columns: tuple[RawColumn, ...]
    files: tuple[SourceFile, ...] = ()
    strict_scan: Callable[[Sequence[Path]], str] | None = None
    """Has the reader itself cast, which says the line of most values that do not fit."""
    shown: str = ""
    """How messages name what it reads, where that is no file."""
    explain: Callable[[duckdb.Error], StepError | None] | None = None
    """Says what an error of DuckDB's means for what it reads; None when it does not know it."""

    @property
    def relation(self) -> str:
        """The FROM clause that reads all its files."""
        return self.scan([file.path for file in self.files])

    @property
    def files_by_path(self) -> Mapping[str, SourceFile]:
        """Each file by its path as the reader was given it."""
        return {str(file.path): file for file in self.files}


def select_of(readings: Sequence[Reading]) -> str:
    """Give the query over all rows, with their declared types; columns are matched by name."""
    typed = {column.name for reading in readings for column in reading.columns if column.raw or column.declared}
    selects = []
    for reading in readings:
        # A column that never had a value has no type of its own; Parquet would make it an INTEGER.
        values = {
            column.name: column.fit.value if column.name in typed else "cast(null as VARCHAR)"
            for column in reading.columns
        }
        columns = ", ".join(f"{value} as {quote(name)}" for name, value in values.items())
        selects.append(f"select {columns} from {reading.relation}")
    return " union all by name ".join(selects)
