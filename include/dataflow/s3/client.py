"""A client for a bucket, made of an Airflow connection as Airflow's own hooks would, but without Airflow."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dataflow.connections import Connection, find_connection
from dataflow.errors import FatalError
from dataflow.masking import masked

__all__ = ["client_of"]

DEFAULTS: Mapping[str, Any] = {
    "connect_timeout": 10,
    "read_timeout": 60,
    # The first try and five more, after up to 1, 2, 4, 8, 16 s: about as long as a store asks to be spared.
    "retries": {"mode": "standard", "total_max_attempts": 6},
    # We send a SHA-256 of our own. The newer default, a trailer after the body, is not understood by every store.
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
    "max_pool_connections": 16,
}
FRESH = 900
"""Seconds after which a process that lives long, such as the triggerer, learns that a connection was changed."""
UNSUPPORTED = ("role_arn", "assume_role_method", "session_factory")


def client_of(connection_id: str) -> Any:
    """Give the client of a connection; one a process and connection. It may be used by several threads.

    Raises:
        FatalError: when nobody knows the connection, it is damaged, or it asks for what is not done here.
    """
    return _client(connection_id, os.getpid(), int(time.monotonic() / FRESH))


@lru_cache(maxsize=32)
def _client(connection_id: str, pid: int, age: int) -> Any:  # noqa: ARG001  # a forked process shares no sockets
    connection = find_connection(connection_id) if connection_id else Connection("")
    extra = connection.extra
    for asked in UNSUPPORTED:
        if extra.get(asked):
            raise FatalError(
                f"connection {connection_id}: `{asked}` is not supported; give keys, a profile, "
                "or the machine a role, and leave login and password empty"
            )
    from botocore.exceptions import BotoCoreError

    try:
        return _made_of(connection)
    except (BotoCoreError, ValueError, TypeError, AttributeError) as error:
        shown = f"connection {connection_id}" if connection_id else "the S3 settings of this machine"
        raise FatalError(f"{shown}: no client can be made of it: {masked(str(error))}; correct its extra") from None


def _made_of(connection: Connection) -> Any:
    import boto3
    from botocore.config import Config

    extra = connection.extra
    session = boto3.session.Session(
        aws_access_key_id=connection.login or None,
        aws_secret_access_key=connection.password or None,
        aws_session_token=extra.get("aws_session_token"),
        profile_name=extra.get("profile_name"),
        region_name=extra.get("region_name"),
    )
    given = dict(extra.get("config_kwargs") or {})
    service = (extra.get("service_config") or {}).get("s3") or {}
    endpoint = service.get("endpoint_url") or extra.get("endpoint_url")
    return session.client(
        "s3", endpoint_url=endpoint or None, verify=extra.get("verify"), config=Config(**{**DEFAULTS, **given})
    )
