"""The warehouse as a DuckLake: tables as Parquet in a folder or in S3, their catalog in PostgreSQL.

Nobody holds it: each opener has a DuckDB of its own in memory, and what it commits is one transaction in PostgreSQL.
What several may not do at once, they do in turns; see `dataflow.warehouse.turns`.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from dataflow.duckdb_extensions import load_extension
from dataflow.duckdb_memory import bound
from dataflow.errors import FatalError, TransientError
from dataflow.identifiers import literal
from dataflow.lost_lake import words_of_loss
from dataflow.masking import masked
from dataflow.s3.place import S3Place
from dataflow.warehouse.patience import Patience
from dataflow.warehouse.secrets import secret, secret_of_store
from dataflow.warehouse.session import CONFIG, in_utc

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.ducklake import DuckLake
    from dataflow.settings import Settings

__all__ = ["CATALOG", "attach_lake", "is_lake", "lost_lake_told", "open_lake", "use_lake"]

CATALOG = "warehouse"
"""The database's name in every session, dbt's too."""
SECRETS = {"catalog": "dataflow_catalog", "lake": "dataflow_warehouse", "data": "dataflow_data"}
"""Named in ``dbt/profiles.yml`` too. What they hold is in memory alone, and in no statement of dbt's."""
COMMIT_RETRIES = 100
"""Of DuckLake's own, where another commit came first and does not contradict; see its ``ducklake_max_retry_count``."""

_BEING_MADE = re.compile(r"already exists|duplicate key|conflict|concurrently updated", re.IGNORECASE)


@contextmanager
def open_lake(settings: Settings, lake: DuckLake) -> Iterator[DuckDBPyConnection]:
    """Give a connection of its own transaction, in which the lake is the database that is used; many may be open.

    Raises:
        TransientError: when PostgreSQL or the store does not answer, or was lost while the block ran.
        FatalError: when the lake keeps its data elsewhere, or a connection is not known.
    """
    with lost_lake_told():
        try:
            connection = _databases.of(settings, lake).cursor()
            try:
                yield use_lake(connection)
            finally:
                connection.close()
        except Exception as exc:
            if _is_lost(exc):
                _databases.forget()
            raise


class _Databases:
    """The databases in memory of this process that have a lake attached: to load the extensions takes half a second."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, ...], DuckDBPyConnection] = {}
        self._guard = threading.Lock()
        self._kept: list[object] = []

    def of(self, settings: Settings, lake: DuckLake) -> DuckDBPyConnection:
        """Give the database of a lake; a connection that Airflow now knows otherwise gives another."""
        import duckdb

        key = tuple(_secrets(settings, lake))
        with self._guard:
            if key not in self._open:
                connection = duckdb.connect(":memory:", config=CONFIG)
                attach_lake(connection, settings, lake)
                self._open[key] = connection
            return self._open[key]

    def forget(self) -> None:
        """Attach anew next time: what was attached may be broken."""
        with self._guard:
            self._open = {}

    def forget_what_was_inherited(self) -> None:
        """Become a fork, which must never speak on its parent's sockets, not even to close them."""
        self._kept.append(self._open)
        self._open, self._guard = {}, threading.Lock()


_databases = _Databases()
os.register_at_fork(after_in_child=_databases.forget_what_was_inherited)


def attach_lake(connection: DuckDBPyConnection, settings: Settings, lake: DuckLake) -> None:
    """Attach the lake to a database in memory; its catalog is made where there is none."""
    import duckdb

    bound(connection, settings.memory)
    connection.execute(f"SET temp_directory = {literal(str(settings.scratch / f'lake-{uuid4().hex}'))}")
    for extension in ("ducklake", "postgres_scanner"):
        load_extension(connection, extension)
    connection.execute(f"SET ducklake_max_retry_count = {COMMIT_RETRIES}")
    if isinstance(settings.warehouse_data, S3Place):
        load_extension(connection, "httpfs")
    for statement in _secrets(settings, lake):
        connection.execute(statement)
    patience = Patience()
    while True:
        try:
            connection.execute(f"ATTACH IF NOT EXISTS 'ducklake:{SECRETS['lake']}' AS {CATALOG}")
        except duckdb.Error as exc:
            if "does not match existing data path" in str(exc):
                raise FatalError(
                    f"{lake} keeps its data elsewhere than DATAFLOW_WAREHOUSE_DATA says: {masked(str(exc))}"
                ) from None
            if not _BEING_MADE.search(str(exc)) or not patience.rest():  # others make the catalog at this moment
                raise
        else:
            return


def use_lake(connection: DuckDBPyConnection) -> DuckDBPyConnection:
    """Make the lake the database of a session's unqualified names, and its zone UTC; each connection's own."""
    connection.execute(f"USE {CATALOG}")
    return in_utc(connection)


def is_lake(connection: DuckDBPyConnection) -> bool:
    """Tell whether the database in use is a DuckLake."""
    row = connection.execute("SELECT type FROM duckdb_databases() WHERE database_name = current_database()").fetchone()
    return row is not None and row[0] == "ducklake"


@contextmanager
def lost_lake_told() -> Iterator[None]:
    """Let the loss of PostgreSQL or of the store be an error that another try may mend.

    Raises:
        TransientError: when either was lost.
    """
    try:
        yield
    except Exception as exc:
        if _is_lost(exc):
            raise TransientError(f"the warehouse was lost: {masked(str(exc))}") from None
        raise


def _is_lost(error: Exception) -> bool:
    import duckdb

    return isinstance(error, duckdb.HTTPException) or (
        isinstance(error, duckdb.Error) and bool(words_of_loss(str(error)))
    )


def _secrets(settings: Settings, lake: DuckLake) -> Iterator[str]:
    """Give the statements that tell DuckDB where catalog and data are, and who asks for them."""
    catalog = lake.connection()
    place, path = settings.warehouse_data, str(settings.warehouse_data)
    if isinstance(place, S3Place):
        path = str(replace(place, connection=""))
        scope = f"s3://{place.bucket}"
        yield secret_of_store(SECRETS["data"], place, scope=scope, setting="DATAFLOW_WAREHOUSE_DATA")
    server = {
        "HOST": catalog.host,
        "PORT": str(catalog.port or 5432),
        "USER": catalog.login,
        "PASSWORD": catalog.password,
        "DATABASE": catalog.schema,
    }
    yield secret(SECRETS["catalog"], "postgres", server)
    libpq = " ".join(f"{name}={value}" for name, value in catalog.extra.items())
    yield (
        f"CREATE OR REPLACE SECRET {SECRETS['lake']} (TYPE ducklake, METADATA_PATH {literal(libpq)}, "
        f"METADATA_PARAMETERS MAP {{'TYPE': 'postgres', 'SECRET': '{SECRETS['catalog']}'}}, "
        f"METADATA_SCHEMA {literal(lake.schema)}, DATA_PATH {literal(path.rstrip('/') + '/')})"
    )
