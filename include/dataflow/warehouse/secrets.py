"""Secrets as DuckDB holds them, in memory alone: who asks for what lies elsewhere. No SQL shows what they hide."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dataflow.connections import Connection, find_connection
from dataflow.errors import FatalError
from dataflow.identifiers import literal, quote

if TYPE_CHECKING:
    from dataflow.s3.place import S3Place

__all__ = ["secret", "secret_of_store"]


def secret(name: str, kind: str, values: dict[str, str], *, scope: str = "") -> str:
    """Give the statement that tells DuckDB a secret; what is empty is left out."""
    given = [f"{key} {literal(value)}" for key, value in values.items() if value]
    given += [f"SCOPE {literal(scope)}"] if scope else []
    return f"CREATE OR REPLACE SECRET {quote(name)} ({', '.join([f'TYPE {kind}', *given])})"


def secret_of_store(name: str, place: S3Place, *, scope: str, setting: str) -> str:
    """Give the statement by which DuckDB reaches a place in S3 as its Airflow connection, or this machine, may.

    Raises:
        FatalError: when nobody knows the connection, or the machine has no credentials; it names the setting.
    """
    store = find_connection(place.connection) if place.connection else Connection("")
    return secret(name, "s3", _of_store(store, setting), scope=scope)


def _of_store(store: Connection, setting: str) -> dict[str, str]:
    """Say where a store of objects is and who asks, as Airflow's AWS connection has it."""
    key, secret, token = store.login, store.password, str(store.extra.get("aws_session_token") or "")
    if not key:
        key, secret, token = _of_this_machine(str(store.extra.get("profile_name") or "") or None, setting)
    service = (store.extra.get("service_config") or {}).get("s3") or {}
    endpoint = urlsplit(str(service.get("endpoint_url") or store.extra.get("endpoint_url") or ""))
    style = ((store.extra.get("config_kwargs") or {}).get("s3") or {}).get("addressing_style", "")
    given = {"KEY_ID": key, "SECRET": secret, "SESSION_TOKEN": token}
    given["REGION"] = str(store.extra.get("region_name") or "us-east-1")
    if endpoint.netloc:
        given |= {"ENDPOINT": endpoint.netloc, "USE_SSL": str(endpoint.scheme == "https").lower()}
    if style == "path" or endpoint.netloc:
        given["URL_STYLE"] = "vhost" if style == "virtual" else "path"
    return given


def _of_this_machine(profile: str | None, setting: str) -> tuple[str, str, str]:
    import boto3

    found = boto3.session.Session(profile_name=profile).get_credentials()
    if found is None:
        raise FatalError(f"{setting}: this machine has no S3 credentials; name a connection: s3://id@bucket")
    frozen = found.get_frozen_credentials()
    return frozen.access_key or "", frozen.secret_key or "", frozen.token or ""
