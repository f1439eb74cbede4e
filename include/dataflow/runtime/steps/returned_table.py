"""What a function of ``transform.py`` returned: judged, and computed into a table while it is its author's still."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from dataflow.errors import FatalError
from dataflow.identifiers import quote
from dataflow.queries import RESERVED_PREFIX
from dataflow.transforms.rows import is_reserved, refuse_twins

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

__all__ = ["keep_returned"]


def keep_returned(
    connection: DuckDBPyConnection, returned: Any, *, name: str, reference: str, given: Collection[str]
) -> None:
    """Make a table of what a function returned; a relation is lazy, and its errors are the author's.

    Args:
        connection: The one whose tables the function was given.
        returned: A relation of that connection, a DataFrame or an Arrow table.
        name: Of the table to make.
        reference: The function, as messages show it.
        given: The names of all columns that the function was given.

    Raises:
        FatalError: when it is no table, its rows may be lost before they are read, or its columns' names cannot stand.
    """
    names = _names(returned, reference)
    try:
        refuse_twins([each for each in names if not is_reserved(each)])
        _refuse_reserved(names, given)
    except ValueError as error:
        raise FatalError(f"{reference}: {error}") from None
    if _is_relation(returned):
        _keep_relation(connection, returned, name=name, reference=reference)
        return
    connection.register(f"{name}_returned", _without_our_twins(returned))
    try:
        connection.execute(f"CREATE TABLE {quote(name)} AS SELECT * FROM {quote(f'{name}_returned')}")
    finally:
        connection.unregister(f"{name}_returned")


def _names(returned: Any, reference: str) -> list[str]:
    """Give the names of its columns, before DuckDB gives twins new ones."""
    if _is_relation(returned) or _is_a(returned, "pandas", "DataFrame"):
        return [str(name) for name in returned.columns]
    if _is_a(returned, "pyarrow", "Table", "RecordBatch") or _is_a(returned, "pyarrow.dataset", "FileSystemDataset"):
        return list(returned.schema.names)
    kind = type(returned).__name__
    if _is_a(returned, "pyarrow", "RecordBatchReader") or _is_a(returned, "pyarrow.dataset", "Scanner", "Dataset"):
        # DuckDB's reader ends, without an error, where another query of its connection runs: our own, to begin with.
        raise FatalError(
            f"{reference} returned a {kind}, whose rows are read only later and are gone once another query runs; "
            "return the relation itself, or the Arrow table that `.to_arrow_table()` makes of it"
        )
    raise FatalError(f"{reference} returned {kind}; return a table: a DuckDB relation, a DataFrame or an Arrow table")


def _is_relation(returned: object) -> bool:
    import duckdb

    return isinstance(returned, duckdb.DuckDBPyRelation)


def _is_a(returned: object, module: str, *kinds: str) -> bool:
    # Whoever returns one has imported its library; nobody else has to wait for that.
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(returned, tuple(getattr(loaded, kind) for kind in kinds))


def _refuse_reserved(names: Collection[str], given: Collection[str]) -> None:
    """Refuse a name of ours that no table brought along.

    A merge of DataFrames gives twins an ending (`_dataflow_run_x`), which is none of its author's doing; the load
    leaves those out, and says itself which run and window rows came with.
    """
    ours = tuple(each.lower() for each in given if is_reserved(each))
    for name in names:
        if is_reserved(name) and not name.lower().startswith(ours):
            raise ValueError(f"'{name}' is reserved: columns that begin with {RESERVED_PREFIX} are dataflow's own")


def _without_our_twins(returned: Any) -> Any:
    """Leave out columns of ours that an Arrow table has twice, after a join: DuckDB would not read it."""
    if not _is_a(returned, "pyarrow", "Table", "RecordBatch"):
        return returned
    names = returned.schema.names
    return returned.select([index for index, each in enumerate(names) if each not in names[:index]])


def _keep_relation(connection: DuckDBPyConnection, returned: DuckDBPyRelation, *, name: str, reference: str) -> None:
    returned.to_table(name)
    known = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [name]).fetchone()
    if not known or not known[0]:
        raise FatalError(
            f"{reference}: its rows belong to another DuckDB connection; start from the tables it is given"
        )
