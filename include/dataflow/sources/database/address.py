"""Where a database is and who logs in: from a URL or from an Airflow connection. No message ever shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.connections import Connection, find_connection
from dataflow.errors import FatalError
from dataflow.masking import keep_secret
from dataflow.spec.sources import DatabaseSource

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Address", "find_address"]

DIALECTS = {"postgres": "postgresql", "mssql": "mssql+pymssql", "mysql": "mysql+pymysql", "oracle": "oracle+oracledb"}
"""What SQLAlchemy calls the types of Airflow's connections; others are called alike."""
LIBPQ = frozenset(
    {"application_name", "channel_binding", "connect_timeout", "gssencmode", "keepalives", "keepalives_count"}
    | {"keepalives_idle", "keepalives_interval", "options", "passfile", "service", "sslcert", "sslcrl", "sslkey"}
    | {"sslmode", "sslrootcert", "target_session_attrs", "tcp_user_timeout"}
)
"""Extras of an Airflow connection that are PostgreSQL's own; the rest are for Airflow."""


AIRFLOWS = frozenset(
    {"sqlalchemy_scheme", "cursor", "cursorclass", "client", "iam", "aws_conn_id", "local_infile", "placeholder"}
)
"""Extras of other databases that are for Airflow's own hooks."""


@dataclass(frozen=True, slots=True)
class Address:
    """A database, as SQLAlchemy's URL names it."""

    shown: str
    """How messages name it."""
    url: sa.URL = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the driver is told beside it: a connection's extras."""

    @property
    def backend(self) -> str:
        """``postgresql``, ``sqlite``, or what SQLAlchemy calls it."""
        return "postgresql" if self.url.drivername == "postgres" else self.url.get_backend_name()

    def file(self, folder: Path) -> Path:
        """Give the file of a SQLite database; a relative one lies in the workflow's folder."""
        return folder / (self.url.database or "")


def find_address(source: DatabaseSource, table: str) -> Address:
    """Give where the source's database is; its secrets are masked from here on.

    Raises:
        FatalError: when the URL is none, or nobody knows the connection.
    """
    if source.connection is not None:
        connection = find_connection(source.connection)
        url = _url_of(connection)
        return Address(f"the connection {source.connection!r}", url, _options_of(connection, url))
    import sqlalchemy as sa

    text = source.url or ""
    keep_secret(text)
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise FatalError(
            f"sources.{table}.url holds no URL of a database; write postgresql://user:password@host/database, "
            "with %40 for @ and %2F for / in a password"
        ) from None
    if url.password:
        keep_secret(str(url.password))
    return Address(f"the database of sources.{table}.url", url)


def _url_of(connection: Connection) -> sa.URL:
    import sqlalchemy as sa

    if not connection.conn_type:
        raise FatalError(f"the connection {connection.id!r} has no type; give it conn_type postgres, sqlite or so")
    name = DIALECTS.get(connection.conn_type, connection.conn_type)
    if name == "sqlite":
        return sa.URL.create("sqlite", database=connection.host or connection.schema)
    query = {key: str(value) for key, value in connection.extra.items() if name != "postgresql" or key in LIBPQ}
    return sa.URL.create(
        str(connection.extra.get("sqlalchemy_scheme") or name),
        username=connection.login or None,
        password=connection.password or None,
        host=connection.host or None,
        port=connection.port,
        database=connection.schema or None,
        query={key: value for key, value in query.items() if name == "postgresql"},
    )


def _options_of(connection: Connection, url: sa.URL) -> dict[str, Any]:
    """Give the extras for the driver; those of PostgreSQL are in its URL, and a SQLite file is read by DuckDB."""
    if url.drivername.startswith(("postgres", "sqlite")):
        return {}
    given = {name: value for name, value in connection.extra.items() if name not in AIRFLOWS}
    return {name: _parsed(value) for name, value in given.items() if not name.startswith("extra__")}


def _parsed(value: Any) -> Any:
    """Give what a text of JSON says: a URI's extras are texts, and ``ssl`` is written as one by custom."""
    if isinstance(value, str) and (value[:1] in ("{", "[") or value.isdecimal() or value in ("true", "false")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
