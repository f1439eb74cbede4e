"""What a source's reader gives: SQL that names rows as they came, and how each column becomes its declared type."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import StepError
from dataflow.identifiers import quote
from dataflow.sources.contract.fit import Fit, fit
from dataflow.sources.files.number_format import NumberFormat

if TYPE_CHECKING:
    import duckdb

__all__ = ["NO_COLUMN", "Marked", "RawColumn", "Reading", "SourceFile", "select_list", "select_of"]

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
class Marked:
    """The same values as another column has, their numbers marked."""

    raw: str
    """As the reader names it."""
    leaf: Callable[[str, str], str]
    """Gives the SQL of a scalar within without its mark, from that of it with one and its type."""


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
    form: str | NumberFormat | None = None
    """How its values are written as text; of times, in the words of strptime."""
    sensitive: bool = False
    """Whether messages keep its values to themselves."""
    unset: frozenset[str] = frozenset()
    """The reader's options that say how values are written, and that nobody set."""
    marked: Marked | None = None
    """What its values are made of, where its own text is only to show."""

    @property
    def fit(self) -> Fit:
        """How its values become the declared type."""
        if self.raw is None:
            nothing = f"cast(null as {self.declared})" if self.declared else "null"
            return Fit(nothing, attempt=nothing)
        if self.marked is not None:
            return fit(quote(self.marked.raw), self.kind, declared=self.declared, leaf=self.marked.leaf)
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
    undeclared: tuple[RawColumn, ...] = ()
    """Columns that are not landed and whose rows the contract does not take when they have a value there."""
    left_out: tuple[str, ...] = ()
    """Columns that came, are not declared and are not read."""

    def with_sensitive(self, names: Collection[str]) -> Reading:
        """Give the reading with these columns marked, and what nobody declared: it may hold the same values."""
        columns = (replace(column, sensitive=column.name in names) for column in self.columns)
        undeclared = (replace(column, sensitive=bool(names)) for column in self.undeclared)
        return replace(self, columns=tuple(columns), undeclared=tuple(undeclared))

    @property
    def relation(self) -> str:
        """The FROM clause that reads all its files."""
        return self.scan([file.path for file in self.files])

    @property
    def files_by_path(self) -> Mapping[str, SourceFile]:
        """Each file by its path as the reader was given it."""
        return {str(file.path): file for file in self.files}


def select_of(readings: Sequence[Reading], select: Callable[[Reading, Mapping[str, str]], str] | None = None) -> str:
    """Give the query over all rows, with their declared types; columns are matched by name.

    Args:
        readings: What the source's reader gave.
        select: Gives the query over one reading, from the values that every reading has to give; by default all rows,
            and an error for a value that does not fit.
    """
    typed = {column.name for reading in readings for column in reading.columns if column.raw or column.declared}
    # A column that never had a value has no type of its own; Parquet would make it an INTEGER.
    untyped = {
        column.name: "cast(null as VARCHAR)"
        for reading in readings
        for column in reading.columns
        if column.name not in typed
    }
    return " union all by name ".join((select or _select)(reading, untyped) for reading in readings)


def select_list(values: Mapping[str, str]) -> str:
    """Give ``value as "name", ...``."""
    return ", ".join(f"{value} as {quote(name)}" for name, value in values.items())


def _select(reading: Reading, untyped: Mapping[str, str]) -> str:
    values = {column.name: untyped.get(column.name, column.fit.value) for column in reading.columns}
    return f"select {select_list(values)} from {reading.relation}"
