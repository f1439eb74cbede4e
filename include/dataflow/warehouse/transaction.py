"""One transaction: all of it or nothing, tried again where another writer of a DuckLake came first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from dataflow.errors import TransientError
from dataflow.warehouse.lake import is_lake
from dataflow.warehouse.patience import Patience

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["transact"]

T = TypeVar("T")


def transact(connection: DuckDBPyConnection, work: Callable[[], T]) -> T:
    """Do the work in a transaction and give what it gives; on a DuckLake it is done anew after a conflict.

    Raises:
        TransientError: when other transactions wrote the same, again and again; on a file, once.
    """
    import duckdb

    patience = Patience() if is_lake(connection) else Patience(tries=1)
    while True:
        connection.begin()
        try:
            done = work()
            connection.commit()
        except BaseException as exc:
            # A failed commit has rolled back already, and then there is nothing to roll back.
            with suppress(duckdb.Error):
                connection.rollback()
            if not isinstance(exc, duckdb.TransactionException) or "Failed to execute query" in str(exc):
                raise
            if not patience.rest():
                raise TransientError(f"another transaction wrote the same table: {exc}") from exc
        else:
            return done
