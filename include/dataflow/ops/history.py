"""Run history as a database: opened by any process, written by many at once."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from dataflow.errors import InputError, TransientError
from dataflow.ops.copy_to_read import can_be_read_in_place, copy_to_read
from dataflow.ops.tables import METADATA
from dataflow.write_ahead import write_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["History", "existing_history", "open_history"]

BUSY_SECONDS = 30
FORMS = (
    "DATAFLOW_OPS is no address of run history; write sqlite:///path/of/a/file.db, or "
    "postgresql+psycopg2://user:password@host/database"
)
CREATE_LOCK = 7_224_636  # any number that is ours among PostgreSQL's advisory locks


class History:
    """The database of run history. No connection outlives its transaction, so a fork inherits none."""

    def __init__(self, url: str) -> None:
        """Know the database; nothing is opened yet.

        Raises:
            InputError: when the URL is none of a database that run history can be in.
        """
        try:
            self.url = sa.make_url(url)
            self._engine = _engine(self.url)
        except (sa.exc.ArgumentError, ImportError):  # whose text may hold the password
            raise InputError(FORMS) from None
        self.is_sqlite = _is_sqlite(self.url)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection for reading; what it sees does not change meanwhile on SQLite.

        Raises:
            TransientError: when the database cannot be reached or stays locked.
        """
        file = Path(self.url.database or "")
        with ExitStack() as stack:
            engine = self._engine
            if self.is_sqlite and file.exists() and not can_be_read_in_place(file):
                engine = _engine(self.url.set(database=str(stack.enter_context(copy_to_read(file)))))
            stack.enter_context(_told(self.url))
            yield stack.enter_context(engine.connect())

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Give a connection in a transaction that is committed at the end, rolled back on an error.

        On SQLite writers queue at its begin, so what a writer reads is not stale when it writes.

        Raises:
            TransientError: when the database cannot be reached or stays locked.
        """
        with _told(self.url), self._engine.execution_options(writes=True).begin() as connection:
            yield connection

    def create(self) -> None:
        """Make the tables and columns that are not there yet; any number of processes may do so at once.

        Raises:
            TransientError: when the database cannot be reached or made, or stays locked.
        """
        if self.is_sqlite:
            self._create_file()
        with self.write() as connection:
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CREATE_LOCK)))
            METADATA.create_all(connection)
            for column in _missing(connection):
                kind = column.type.compile(connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {column.name} {kind}")

    def is_created(self) -> bool:
        """Tell whether every table is there, with every column."""
        with self.read() as connection:
            there = set(METADATA.tables) <= set(sa.inspect(connection).get_table_names())
            return there and not _missing(connection)

    def _create_file(self) -> None:
        file = Path(self.url.database or "")
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_ahead(file, patience=BUSY_SECONDS)
        except sqlite3.OperationalError as error:
            raise TransientError(f"run history {file} cannot be made: {error}") from error


def _is_sqlite(url: sa.URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() not in ("sqlite", "postgresql") or not url.database:
        raise InputError(FORMS)
    # SQLAlchemy, not the driver, begins transactions: the driver would begin them too late, and deferred.
    arguments: dict[str, Any] = {"timeout": BUSY_SECONDS, "isolation_level": None} if _is_sqlite(url) else {}
    engine = sa.create_engine(url, poolclass=NullPool, connect_args=arguments)
    sa.event.listen(engine, "before_cursor_execute", _as_unicode, retval=True)
    if _is_sqlite(url):
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _missing(connection: sa.Connection) -> list[sa.Column[Any]]:
    """Give the columns that an older version did not make; each that is added later may be NULL."""
    inspector = sa.inspect(connection)
    there = {table: {column["name"] for column in inspector.get_columns(table)} for table in METADATA.tables}
    return [
        column for name, table in METADATA.tables.items() for column in table.columns if column.name not in there[name]
    ]


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _as_unicode(  # as SQLAlchemy calls it
    connection: sa.Connection, _cursor: object, statement: str, parameters: Any, _context: object, _is_many: bool, /
) -> tuple[str, Any]:
    """Escape what no encoding has (half a pair of surrogates), and what PostgreSQL has no room for (the character 0).

    A message that holds such must not cost a run its end.
    """
    return statement, _escaped(parameters, zero="\0" if connection.dialect.name == "sqlite" else r"\x00")


def _escaped(given: Any, *, zero: str) -> Any:
    if isinstance(given, str):
        text = given if given.isascii() else given.encode(errors="backslashreplace").decode()
        return text.replace("\0", zero)
    if isinstance(given, dict):
        return {name: _escaped(value, zero=zero) for name, value in given.items()}
    if isinstance(given, (list, tuple)):
        return type(given)(_escaped(value, zero=zero) for value in given)
    return given


@contextmanager
def _told(url: sa.URL) -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as exc:
        # A driver that loses its server in the midst of an answer has a class of error for each moment.
        lost = exc.connection_invalidated or isinstance(exc, (sa.exc.OperationalError, sa.exc.InterfaceError))
        if not lost and "libpq" not in str(exc.orig):
            raise
        where = url.render_as_string(hide_password=True)
        raise TransientError(f"run history {where} does not answer: {exc.orig}") from exc


def existing_history(url: str) -> History | None:
    """Give the history at that URL to look things up; None where there is none yet, and none is made.

    Raises:
        TransientError: when the database cannot be reached or stays locked.
    """
    history = History(url)
    if history.is_sqlite and not Path(history.url.database or "").exists():
        return None
    return history if history.is_created() else None


@cache
def open_history(url: str) -> History:
    """Give the history at that URL, the same for the whole process; its tables are made where they are not there.

    Raises:
        TransientError: when the database cannot be reached or made, or stays locked.
    """
    history = History(url)
    absent = history.is_sqlite and not Path(history.url.database or "").exists()
    if absent or not history.is_created():
        history.create()
    return history
