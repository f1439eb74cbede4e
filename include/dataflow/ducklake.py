"""A DuckLake as a setting names it: whose PostgreSQL keeps the catalog of the warehouse's tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from dataflow.connections import Connection, find_connection
from dataflow.masking import keep_secret

__all__ = ["FORMS", "SCHEME", "DuckLake", "is_ducklake"]

SCHEME = "ducklake:"
DEFAULT_SCHEMA = "ducklake"
FORMS = "ducklake:<Airflow connection id> or ducklake:postgresql://user:password@host/database"

_CONNECTION_ID = re.compile(r"[A-Za-z0-9_.-]+")
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_LIBPQ = ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "target_session_attrs")
"""What a URL or a connection's extras may add, as libpq names it."""


@dataclass(frozen=True, slots=True)
class DuckLake:
    """Where a lake's catalog lies. As text it shows no password."""

    catalog: str = field(repr=False)
    """A ``postgresql://`` URL, or the id of an Airflow connection."""
    schema: str = DEFAULT_SCHEMA
    """The PostgreSQL schema of the catalog's tables; one lake a schema."""
    options: tuple[tuple[str, str], ...] = ()
    """Of the URL, for libpq."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``ducklake:...``, with ``?schema=name`` at its end where the schema is not ``ducklake``.

        Raises:
            ValueError: when it names no catalog; the text never repeats what was given, which may hold a password.
        """
        catalog, _, query = text.removeprefix(SCHEME).partition("?")
        given = dict(parse_qsl(query))
        schema = given.pop("schema", DEFAULT_SCHEMA)
        if not _SCHEMA.fullmatch(schema):
            raise ValueError("the schema of a DuckLake is a lower-case PostgreSQL name")
        if unknown := sorted(set(given) - set(_LIBPQ)):
            raise ValueError(f"a DuckLake knows no {', '.join(unknown)}; it takes schema, {', '.join(_LIBPQ)}")
        lake = cls(catalog, schema, tuple(given.items()))
        if lake._is_url:
            parts = urlsplit(catalog)
            if not parts.hostname or not parts.path.strip("/"):
                raise ValueError(f"a DuckLake's URL names a host and a database: {FORMS}")
            if parts.password:
                keep_secret(unquote(parts.password))
        elif not _CONNECTION_ID.fullmatch(catalog):
            raise ValueError(f"no catalog of a DuckLake; write {FORMS}")
        return lake

    @property
    def _is_url(self) -> bool:
        return self.catalog.startswith(("postgresql://", "postgres://"))

    def __str__(self) -> str:
        return self._text(re.sub(r"://([^:/@]*):.*@", r"://\1:***@", self.catalog))

    @property
    def setting(self) -> str:
        """The whole text as the setting has it, its password too; for another process's environment."""
        return self._text(self.catalog)

    def _text(self, catalog: str) -> str:
        given = ({} if self.schema == DEFAULT_SCHEMA else {"schema": self.schema}) | dict(self.options)
        return f"{SCHEME}{catalog}" + (f"?{urlencode(given)}" if given else "")

    def connection(self) -> Connection:
        """Give the PostgreSQL connection of the catalog: host, port, database (as ``schema``), login, password.

        Raises:
            FatalError: when nobody knows the Airflow connection.
        """
        if not self._is_url:
            found = find_connection(self.catalog)
            extra = {name: str(found.extra[name]) for name in _LIBPQ if found.extra.get(name)}
            return replace(found, extra=extra | dict(self.options))
        parts = urlsplit(self.catalog)
        return Connection(
            id="",
            conn_type="postgres",
            host=parts.hostname or "",
            port=parts.port,
            schema=unquote(parts.path.strip("/")),
            login=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            extra=dict(self.options),
        )


def is_ducklake(text: object) -> bool:
    """Tell whether a setting's text means a DuckLake, well written or not."""
    return isinstance(text, str) and text.startswith(SCHEME)
