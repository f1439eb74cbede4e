"""Rows that an author's function gives, written to scratch in pieces, so that memory stays flat."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from dataflow.errors import ContractError
from dataflow.sources.contract.columns import refuse_reserved
from dataflow.sources.python.arrays import array_of, plain, storable, texts_of
from dataflow.sources.python.texts import NESTED, NoTextError, text_of
from dataflow.sources.reading import NO_COLUMN, SourceFile
from dataflow.sources.so_far import SoFar

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Spool", "spool_rows"]

DICTS_AT_ONCE = 10_000
ROWS_AT_ONCE = 100_000
BYTES_AT_ONCE = 64 << 20
NUMBERS = (int, float, Decimal)


@dataclass(slots=True)
class Spool:
    """What was written so far. ``files`` and ``names`` are whole after `close`."""

    shown: str
    folder: Path
    declared: Collection[str]
    so_far: SoFar
    texts: Collection[str] = ()
    """Columns of which each value's text is wanted, whatever its class."""
    files: list[SourceFile] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    """Every column that was seen, also one that never had a value, in the order seen."""
    rows: int = 0
    _nested_names: set[str] = field(default_factory=set)
    _text_names: set[str] = field(default_factory=set)
    _dicts: list[Mapping[str, Any]] = field(default_factory=list)
    _tables: list[pa.Table] = field(default_factory=list)
    _writer: Any = None

    @property
    def json_names(self) -> set[str]:
        """Columns that had dicts or lists, spooled as JSON text, and beside them nothing but numbers and truths."""
        return self._nested_names - self._text_names

    def add(self, item: object) -> None:
        """Take one thing that the function gave.

        Raises:
            ContractError: when it is not a dict, a list of dicts, a DataFrame or an Arrow table.
        """
        if isinstance(item, Mapping):
            self._dicts.append(item)
        elif isinstance(item, (list, tuple)):
            for row in item:
                if not isinstance(row, Mapping):
                    raise ContractError(f"{self.shown}: a row is a {type(row).__name__}; give dicts")
            self._dicts.extend(item)
        else:
            self._flush_dicts()
            self._add_table(self._as_table(item))
        if len(self._dicts) >= DICTS_AT_ONCE:
            self._flush_dicts()

    def close(self) -> None:
        """Write what is left."""
        self._flush_dicts()
        self._flush_tables()
        self._close_file()

    def _flush_dicts(self) -> None:
        dicts, self._dicts = self._dicts, []
        for start in range(0, len(dicts), DICTS_AT_ONCE):
            self._add_table(self._table_of(dicts[start : start + DICTS_AT_ONCE]))

    def _table_of(self, rows: list[Mapping[str, Any]]) -> pa.Table:
        import pyarrow as pa

        names = dict.fromkeys(name for row in rows for name in row)
        arrays = {}
        for name in names:
            if not _is_name(name):
                raise ContractError(f"{self.shown}: a column's name is {name!r}; names are text")
            if self.declared and name not in self.declared:
                arrays[name] = pa.nulls(len(rows))
                continue
            values = plain([row.get(name) for row in rows])
            kinds = set(map(type, values)) - {type(None)}
            if is_nested := any(issubclass(kind, NESTED) for kind in kinds):
                self._nested_names.add(name)
            if any(not issubclass(kind, (*NESTED, *NUMBERS)) for kind in kinds):
                self._text_names.add(name)
            arrays[name] = self._array(name, values, as_texts=is_nested)
        # A row without any column still is a row; Arrow would forget it.
        return pa.table(arrays) if arrays else pa.table({NO_COLUMN: pa.nulls(len(rows))})

    def _as_table(self, item: Any) -> pa.Table:
        import pyarrow as pa

        if _is_arrow(item):
            return item if isinstance(item, pa.Table) else pa.Table.from_batches([item])
        if _is_frame(item):
            names = list(item.columns)
            if not all(map(_is_name, names)) or len(set(names)) < len(names):
                raise ContractError(
                    f"{self.shown}: a DataFrame has columns {names[:20]}; names are text, each there once"
                )
            return pa.table({name: self._series(name, item[name]) for name in names})
        raise ContractError(
            f"{self.shown} gave a {type(item).__name__}; yield lists of dicts, DataFrames or Arrow tables"
        )

    def _series(self, name: str, series: Any) -> pa.Array:
        import pyarrow as pa

        if series.dtype == object:
            return self._array(name, plain(list(series)))
        return pa.array(series, from_pandas=True)

    def _array(self, name: str, values: list[Any], *, as_texts: bool = False) -> pa.Array:
        try:
            return texts_of(values) if as_texts or name in self.texts else array_of(values)
        except (UnicodeEncodeError, NoTextError):
            rows_before = self.rows + sum(table.num_rows for table in self._tables)
            raise _no_text(f"{self.shown}: row", name, values, rows_before) from None

    def _add_table(self, table: pa.Table) -> None:
        import pyarrow as pa

        names = [name for name in table.column_names if name != NO_COLUMN]
        refuse_reserved(self.shown, names)
        self.names.update(dict.fromkeys(names))
        keep = {
            name: storable(table.column(name))
            for name in names
            if table.schema.field(name).type != pa.null() and (not self.declared or name in self.declared)
        }
        self._tables.append(pa.table(keep) if keep else pa.table({NO_COLUMN: pa.nulls(table.num_rows, pa.int8())}))
        waiting = self._tables
        if sum(t.num_rows for t in waiting) >= ROWS_AT_ONCE or sum(t.nbytes for t in waiting) >= BYTES_AT_ONCE:
            self._flush_tables()

    def _flush_tables(self) -> None:
        import pyarrow as pa

        tables, self._tables = self._tables, []
        if not tables:
            return
        try:
            self._write(pa.concat_tables(tables, promote_options="default"))
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # columns of unlike types; DuckDB unites them
            for table in tables:
                self._write(table)

    def _write(self, table: pa.Table) -> None:
        import pyarrow.parquet

        if self._writer is None or self._writer.schema != table.schema:
            self._close_file()
            path = self.folder / f"rows-{len(self.files):05}.parquet.tmp"
            self.files.append(SourceFile(path, self.shown, self.rows))
            self._writer = pyarrow.parquet.ParquetWriter(path, table.schema)
        self._writer.write_table(table)
        self.rows += table.num_rows
        self.so_far.add(rows=table.num_rows)

    def _close_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def spool_rows(
    rows: Callable[[], Iterable[object]],
    folder: Path,
    *,
    declared: Collection[str],
    so_far: SoFar,
    texts: Collection[str] = (),
) -> Spool:
    """Call the function and write what it gives to ``folder``; its own errors pass through.

    Args:
        rows: The function.
        folder: Where files of rows are made.
        declared: The columns that are kept; all, if there are none.
        so_far: Is told of the rows.
        texts: Columns that become text: each value by itself, whatever stands in the rows beside it.

    Raises:
        ContractError: when it gives something else than dicts, DataFrames or Arrow tables, or a value that is none.
    """
    given = rows()
    shown = so_far.shown
    spool = Spool(shown, folder, declared, so_far, texts)
    if given is None or isinstance(given, (str, bytes)):
        raise ContractError(
            f"{shown} gave {type(given).__name__}; yield or return lists of dicts, DataFrames or Arrow tables"
        )
    # These are iterable too, by column or key.
    is_one = isinstance(given, Mapping) or _is_frame(given) or _is_arrow(given)
    for item in [given] if is_one else given:
        spool.add(item)
    spool.close()
    return spool


def _is_arrow(item: object) -> bool:
    import pyarrow as pa

    return isinstance(item, (pa.Table, pa.RecordBatch))


def _is_frame(item: Any) -> TypeGuard[pd.DataFrame]:
    # Whoever gives a DataFrame has imported pandas, which takes half a second; nobody else has to.
    loaded = sys.modules.get("pandas")
    return loaded is not None and isinstance(item, loaded.DataFrame)


def _is_name(name: object) -> bool:
    return isinstance(name, str) and _half(name) is None


def _half(text: str) -> int | None:
    """Give where in a text a surrogate is that is no half of a pair: no encoding can write it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None


def _no_text(row: str, name: str, values: list[Any], rows_before: int) -> ContractError:
    # Not the whole text: nobody knows here whether its column is a sensitive one.
    for number, value in enumerate(values, rows_before + 1):
        place = f'{row} {number}: column "{name}"'
        try:
            text = "" if value is None else text_of(value)
        except NoTextError as error:
            return ContractError(f"{place}: {error}; give text or a number in the function")
        if (at := _half(text)) is not None:
            return ContractError(
                f"{place}: character {at + 1} of {len(text)} is {text[at]!r}, half of a pair of surrogates, which no "
                "text has alone; mend it in the function, as in "
                'text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")'
            )
    raise AssertionError(f"{name} was said to have a value that is no text")
