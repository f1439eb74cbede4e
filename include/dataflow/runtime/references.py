"""``${conn:ID.password}`` and ``${var:KEY}`` without Airflow: from the variables that Airflow reads as well."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from dataflow.errors import FatalError
from dataflow.runtime.masking import names_a_secret

__all__ = ["is_secret", "resolve_from_environment"]

PLAIN_FIELDS = frozenset({"conn_type", "host", "login", "port", "schema"})
"""Of a connection: everything else is kept secret."""


def is_secret(reference: str) -> bool:
    """Tell whether ``NAME``, ``conn:ID.field`` or ``var:KEY`` gives what nobody may read in a log."""
    kind, _, name = reference.rpartition(":")
    if kind == "conn":
        return name.rpartition(".")[2] not in PLAIN_FIELDS
    return names_a_secret(name)


def resolve_from_environment(reference: str) -> str:
    """Give the value of ``conn:ID.password`` or ``var:KEY`` from ``AIRFLOW_CONN_<ID>`` or ``AIRFLOW_VAR_<KEY>``.

    Raises:
        FatalError: when the variable is not set, or the connection has no such field; the text names it.
    """
    kind, _, name = reference.partition(":")
    if kind == "var":
        return _variable(f"AIRFLOW_VAR_{name.upper()}", reference)
    connection_id, _, field = name.rpartition(".")
    variable = f"AIRFLOW_CONN_{connection_id.upper()}"
    fields = _connection(_variable(variable, reference), variable)
    if fields.get(field) in (None, ""):
        raise FatalError(f"${{{reference}}}: the connection in {variable} has no {field}")
    return str(fields[field])


def _variable(name: str, reference: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise FatalError(f"${{{reference}}}: outside of Airflow it is read from {name}, which is not set")
    return value


def _connection(text: str, variable: str) -> Mapping[str, Any]:
    """Read a connection as Airflow does, from JSON or from a URI; the text itself is never told."""
    if text.lstrip().startswith("{"):
        try:
            fields = json.loads(text)
        except ValueError:
            raise FatalError(f"{variable} holds no connection: its JSON does not parse") from None
        extra = fields.pop("extra", None) or {}
        return {**(json.loads(extra) if isinstance(extra, str) else extra), **fields}
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise FatalError(f"{variable} holds no connection: write a URI or JSON, as for Airflow") from None
    extra = dict(parse_qsl(parts.query))
    if "__extra__" in extra:
        extra = json.loads(extra["__extra__"])
    return {
        **extra,
        "conn_type": parts.scheme,
        "host": unquote(parts.hostname or ""),
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "schema": unquote(parts.path.removeprefix("/")),
        "port": port,
    }
