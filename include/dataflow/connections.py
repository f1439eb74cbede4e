"""Airflow's connections, without Airflow: whoever runs us says how to look one up, else the environment tells.

One lookup a process. A task under Airflow sets Airflow's own; the CLI needs none, for Airflow itself reads
``AIRFLOW_CONN_<ID>`` first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from dataflow.errors import FatalError
from dataflow.masking import keep_secret, names_a_secret

__all__ = ["Connection", "Lookup", "connection_from_environment", "find_connection", "look_up_with"]


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection's fields, as Airflow names them; empty text where it has none."""

    id: str
    conn_type: str = ""
    host: str = ""
    port: int | None = None
    schema: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


Lookup = Callable[[str], Connection | None]
"""Gives the connection of an id, None where there is none."""

_lookups: list[Lookup] = []


def look_up_with(lookup: Lookup) -> None:
    """Ask this from now on, in this process, for every connection; the environment is asked where it has none."""
    _lookups[:] = [lookup]


def find_connection(connection_id: str) -> Connection:
    """Give a connection; its password and the secrets among its extras are masked from here on.

    Raises:
        FatalError: when nobody knows it; the text says how to add it.
    """
    found = next((given for lookup in _lookups if (given := lookup(connection_id))), None)
    connection = found or connection_from_environment(connection_id)
    for secret in _secrets_of(connection):
        keep_secret(secret)
    return connection


def connection_from_environment(connection_id: str) -> Connection:
    """Read ``AIRFLOW_CONN_<ID>`` as Airflow does, from JSON or from a URI; the text itself is never told.

    Raises:
        FatalError: when it is not set or does not parse.
    """
    variable = f"AIRFLOW_CONN_{connection_id.upper()}"
    text = os.environ.get(variable)
    if text is None:
        raise FatalError(
            f"there is no connection {connection_id!r}: `airflow connections add {connection_id} ...` in Airflow; "
            f"outside of it, set {variable}"
        )
    try:
        fields = _from_json(text) if text.lstrip().startswith("{") else _from_uri(text)
        return Connection(id=connection_id, **fields)
    except (ValueError, TypeError, AttributeError):
        raise FatalError(f"{variable} holds no connection: write a URI or JSON, as for Airflow") from None


def _secrets_of(connection: Connection) -> list[str]:
    named = [str(value) for name, value in connection.extra.items() if names_a_secret(name) and value]
    return [connection.password, *named] if connection.password else named


def _from_json(text: str) -> dict[str, Any]:
    fields = json.loads(text)
    extra = fields.pop("extra", None) or {}
    port = fields.pop("port", None)
    known = ("conn_type", "host", "schema", "login", "password")
    return {
        **{name: str(fields.get(name) or "") for name in known},
        "port": int(port) if port else None,
        "extra": json.loads(extra) if isinstance(extra, str) else extra,
    }


def _from_uri(text: str) -> dict[str, Any]:
    parts = urlsplit(text)
    extra: dict[str, Any] = dict(parse_qsl(parts.query))
    return {
        "conn_type": parts.scheme,
        "host": unquote(parts.hostname or ""),
        "port": parts.port,
        "schema": unquote(parts.path.removeprefix("/")),
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "extra": json.loads(extra["__extra__"]) if "__extra__" in extra else extra,
    }
