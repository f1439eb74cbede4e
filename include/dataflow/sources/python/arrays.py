"""Values of Python as Arrow's arrays: of one kind where they are, else as texts."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from math import isnan
from typing import TYPE_CHECKING, Any

from dataflow.sources.python.texts import text_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["array_of", "plain", "storable", "texts_of"]

PANDAS_MISSING = frozenset({"NaTType", "NAType"})


def array_of(values: list[Any]) -> pa.Array:
    """Give Arrow's type where all values are of one kind, else text, which DuckDB casts or lands.

    Raises:
        NoTextError, UnicodeEncodeError: as `texts_of`.
    """
    import pyarrow as pa

    kinds = set(map(type, values)) - {type(None)}
    unlike_zones = len({value.tzinfo is None for value in values if isinstance(value, datetime)}) > 1
    if (len(kinds) <= 1 or kinds == {int, float}) and not unlike_zones:
        try:
            array = pa.array(values)
            if not pa.types.is_decimal256(array.type):  # DuckDB would read another number
                return array
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            pass
    return texts_of(values)


def texts_of(values: list[Any]) -> pa.Array:
    """Give each value's text, whatever its class.

    Raises:
        NoTextError: when one has none.
        UnicodeEncodeError: when one has half of a pair of surrogates.
    """
    import pyarrow as pa

    if not set(map(type, values)) <= {str, type(None)}:
        values = [None if value is None else text_of(value) for value in values]
    return pa.array(values, pa.string())


def storable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column as Parquet holds it and DuckDB reads it, without a loss."""
    import pyarrow as pa

    if pa.types.is_duration(column.type):
        return pa.chunked_array([texts_of(column.to_pylist())])
    if pa.types.is_timestamp(column.type):
        return _microseconds(column)
    if pa.types.is_float16(column.type):
        return column.cast(pa.float32())
    if isinstance(column.type, pa.StructType) and column.type.num_fields == 0:
        return pa.chunked_array([pa.array(["{}" if value is not None else None for value in column.to_pylist()])])
    return column


def _microseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give moments as DuckDB keeps them; what has more digits stays as it is, or as text where no type would."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return column.cast(pa.timestamp("us", column.type.tz))
    except pa.ArrowInvalid:
        if column.type.tz is None:
            return column
        return pc.strftime(column.cast(pa.timestamp("ns", "UTC")), format="%Y-%m-%dT%H:%M:%SZ")


def plain(values: list[Any]) -> list[Any]:
    """Make pandas' NaT and NA, and a float NaN, by which pandas says that nothing is there, None; an Enum its value."""
    kinds = set(map(type, values))
    if any(issubclass(kind, Enum) for kind in kinds):
        return plain([value.value if isinstance(value, Enum) else value for value in values])
    if float not in kinds and not any(kind.__name__ in PANDAS_MISSING for kind in kinds):
        return values
    return [
        None if type(value).__name__ in PANDAS_MISSING or (isinstance(value, float) and isnan(value)) else value
        for value in values
    ]
