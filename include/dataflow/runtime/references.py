"""``${conn:ID.password}`` and ``${var:KEY}`` without Airflow: from the variables that Airflow reads as well."""

from __future__ import annotations

import os

from dataflow.connections import connection_from_environment
from dataflow.errors import FatalError
from dataflow.masking import names_a_secret

__all__ = ["is_secret", "resolve_from_environment"]

PLAIN_FIELDS = frozenset({"conn_type", "host", "login", "port", "schema"})
"""Of a connection: everything else is kept secret."""
OWN_FIELDS = PLAIN_FIELDS | {"password"}
"""What is no extra of it."""


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
    try:
        connection = connection_from_environment(connection_id)
    except FatalError as error:
        raise FatalError(f"${{{reference}}}: {error}") from None
    value = getattr(connection, field) if field in OWN_FIELDS else connection.extra.get(field)
    if value in (None, ""):
        raise FatalError(f"${{{reference}}}: the connection in AIRFLOW_CONN_{connection_id.upper()} has no {field}")
    return str(value)


def _variable(name: str, reference: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise FatalError(f"${{{reference}}}: outside of Airflow it is read from {name}, which is not set")
    return value
