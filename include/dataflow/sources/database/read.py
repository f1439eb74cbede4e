"""From a database source to readings, by the kind of its database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.sources.database.address import find_address
from dataflow.sources.database.other import other_readings
from dataflow.sources.database.postgres import postgres_reading
from dataflow.sources.database.relation import relation_of
from dataflow.sources.database.sqlite import sqlite_reading
from dataflow.sources.reading import Reading
from dataflow.sources.request import IngestRequest
from dataflow.sources.so_far import SoFar
from dataflow.spec.sources import DatabaseSource

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["read_database"]


def read_database(
    connection: DuckDBPyConnection,
    request: IngestRequest,
    *,
    source: DatabaseSource,
    declared: Mapping[str, str],
    scratch: Path,
) -> Sequence[Reading]:
    """Give the rows of a table or query; there is at least one reading.

    Raises:
        ContractError: when the table or a column is not there, or the database refuses the query.
        FatalError: when the database refuses the login, or no driver for it is installed.
        TransientError: when the database is not there, or breaks off.
    """
    address = find_address(source, request.table)
    relation = relation_of(source, request.table, cursor=request.cursor)
    contract = source.schema_contract
    if address.backend == "postgresql":
        return [postgres_reading(connection, address, relation, declared, log=request.log, contract=contract)]
    if address.backend == "sqlite":
        file = address.file(request.folder)
        return [sqlite_reading(connection, file, relation, declared, log=request.log, contract=contract)]
    so_far = SoFar(relation.shown, request.log, request.watch)
    return other_readings(connection, address, relation, declared, scratch=scratch, so_far=so_far, contract=contract)
