"""Rows that an author's function gives, written to scratch in pieces, so that memory stays flat."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from dataflow.errors import ContractError
from dataflow.sources.columns import refuse_reserved
from dataflow.sources.reading import NO_COLUMN, SourceFile

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Spool", "spool_rows"]

DICTS_AT_ONCE = 10_000
ROWS_AT_ONCE = 100_000
BYTES_AT_ONCE = 64 << 20
PANDAS_MISSING = frozenset({"NaTType", "NAType"})


@dataclass(slots=True)
class Spool:
    """What was written so far. ``files`` and ``names`` are whole after `close`."""

    shown: str
    folder: Path
    declared: Collection[str]
    files: list[SourceFile] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    """Every column that was seen, also one that never had a value, in the order seen."""
    json_names: set[str] = field(default_factory=set)
    """Columns whose values were dicts or lists; they are spooled as JSON text."""
    rows: int = 0
    _dicts: list[Mapping[str, Any]] = field(default_factory=list)
    _tables: list[pa.Table] = field(default_factory=list)
    _writer: Any = None

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
            self._add_table(_as_table(item, self.shown))
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
            if not isinstance(name, str):
                raise ContractError(f"{self.shown}: a column's name is {name!r}; names are text")
            values = _without_missing([row.get(name) for row in rows])
            if any(issubclass(kind, (dict, list, tuple, set, frozenset)) for kind in set(map(type, values))):
                self.json_names.add(name)
                values = [None if value is None else json.dumps(value, default=_text) for value in values]
            arrays[name] = _array(values)
        # A row without any column still is a row; Arrow would forget it.
        return pa.table(arrays) if arrays else pa.table({NO_COLUMN: pa.nulls(len(rows))})

    def _add_table(self, table: pa.Table) -> None:
        import pyarrow as pa

        names = [name for name in table.column_names if name != NO_COLUMN]
        refuse_reserved(self.shown, names)
        self.names.update(dict.fromkeys(names))
        keep = {
            name: _storable(table.column(name))
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
            self._writer = pyarrow.parquet.ParquetWriter(
                path, table.schema, coerce_timestamps="us", allow_truncated_timestamps=True
            )
        self._writer.write_table(table)
        self.rows += table.num_rows

    def _close_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def spool_rows(rows: Callable[[], Iterable[object]], folder: Path, *, declared: Collection[str], shown: str) -> Spool:
    """Call the function and write what it gives to ``folder``; its own errors pass through.

    Raises:
        ContractError: when it gives something else than dicts, DataFrames or Arrow tables.
    """
    given = rows()
    spool = Spool(shown, folder, declared)
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


def _as_table(item: Any, shown: str) -> pa.Table:
    import pyarrow as pa

    if _is_arrow(item):
        return item if isinstance(item, pa.Table) else pa.Table.from_batches([item])
    if _is_frame(item):
        names = list(item.columns)
        if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise ContractError(f"{shown}: a DataFrame has columns {names[:20]}; names are text, each there once")
        return pa.table({name: _series(item[name]) for name in names})
    raise ContractError(f"{shown} gave a {type(item).__name__}; yield lists of dicts, DataFrames or Arrow tables")


def _is_arrow(item: object) -> bool:
    import pyarrow as pa

    return isinstance(item, (pa.Table, pa.RecordBatch))


def _is_frame(item: Any) -> TypeGuard[pd.DataFrame]:
    # Whoever gives a DataFrame has imported pandas, which takes half a second; nobody else has to.
    loaded = sys.modules.get("pandas")
    return loaded is not None and isinstance(item, loaded.DataFrame)


def _series(series: Any) -> pa.Array:
    import pyarrow as pa

    if series.dtype != object:
        return pa.array(series, from_pandas=True)
    return _array(_without_missing(list(series)))


def _array(values: list[Any]) -> pa.Array:
    """Give Arrow's type where all values are of one kind, else text, which DuckDB casts or lands."""
    import pyarrow as pa

    kinds = {type(value) for value in values} - {type(None)}
    unlike_zones = len({value.tzinfo is None for value in values if isinstance(value, datetime)}) > 1
    if (len(kinds) <= 1 or kinds == {int, float}) and not unlike_zones:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            pass
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _storable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    if pa.types.is_duration(column.type):
        return pa.chunked_array([_array([_text(v) if v is not None else None for v in column.to_pylist()])])
    if pa.types.is_float16(column.type):
        return column.cast(pa.float32())
    if isinstance(column.type, pa.StructType) and column.type.num_fields == 0:
        return pa.chunked_array([pa.array(["{}" if value is not None else None for value in column.to_pylist()])])
    return column


def _without_missing(values: list[Any]) -> list[Any]:
    """Make pandas' NaT and NA, and a float NaN, which is how pandas says that nothing is there, None."""
    kinds = set(map(type, values))
    if float not in kinds and not any(kind.__name__ in PANDAS_MISSING for kind in kinds):
        return values
    return [
        None if type(value).__name__ in PANDAS_MISSING or (isinstance(value, float) and isnan(value)) else value
        for value in values
    ]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)} microseconds"
    if isinstance(value, (set, frozenset)):
        return json.dumps(sorted(value, key=str), default=_text)
    return str(value)
