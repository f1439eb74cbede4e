"""An API as a source: all its pages, then one reading of their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.connections import Connection, find_connection
from dataflow.errors import FatalError
from dataflow.sources.api.exact import as_texts, needs_all_digits
from dataflow.sources.columns import declared_paths
from dataflow.sources.json_files import read_json_files
from dataflow.sources.reading import Reading
from dataflow.sources.request import IngestRequest
from dataflow.sources.scan_sql import Option
from dataflow.spec.sources.api import ApiSource, requests_a_second

if TYPE_CHECKING:
    import httpx
    from duckdb import DuckDBPyConnection

    from dataflow.http.client import Client
    from dataflow.sources.api.asking import Asker
    from dataflow.sources.api.page import Page
    from dataflow.sources.api.paging import Ask
    from dataflow.sources.api.spool import Spool

__all__ = ["first_page", "read_api"]

USUAL_SIZE = 16 << 20
"""Bytes of one record that DuckDB takes without being told."""


def read_api(
    connection: DuckDBPyConnection,
    request: IngestRequest,
    *,
    source: ApiSource,
    declared: Mapping[str, str],
    scratch: Path,
) -> Sequence[Reading]:
    """Read every page into scratch, and give the reading of their records.

    Raises:
        ContractError: when an answer is not what the config says.
        FatalError: when the API refuses, or an address may not be asked.
        TransientError: when the API did not answer in time.
    """
    from dataflow.sources.api.spool import Spool

    spool = Spool(scratch / "records.ndjson", request.table, request.log)
    with _client(request, source) as client:
        _read_pages(_asker(client, source, request.table), spool, exactly=needs_all_digits(declared.values()))
    spool.tell()
    options: dict[str, Option] = {"maximum_object_size": spool.longest + 1024} if spool.longest >= USUAL_SIZE else {}
    return read_json_files(
        connection,
        [spool.file],
        declared,
        paths=declared_paths(source.columns),
        format_name="ndjson",
        options=options,
        log=request.log,
        contract=source.schema_contract,
    )


def first_page(request: IngestRequest, source: ApiSource) -> Page:
    """Ask for the first page alone, to look at.

    Raises:
        ContractError: when the answer is not what the config says.
        FatalError: when the API refuses, or an address may not be asked.
        TransientError: when the API did not answer in time.
    """
    from dataflow.sources.api.paging import Pager

    with _client(request, source) as client:
        asker = _asker(client, source, request.table)
        return asker.page(Pager(source.pagination, asker.place).first(), 1)


def _read_pages(asker: Asker, spool: Spool, *, exactly: bool) -> None:
    from dataflow.sources.api.paging import Pager

    pager = Pager(asker.source.pagination, asker.place)
    with spool.path.open("wb") as into:
        ask: Ask | None = pager.first()
        for number in count(1):
            if ask is None:
                return
            page = asker.page(ask, number)
            spool.add(replace(page, lines=as_texts(page.lines)) if exactly else page, into)
            ask = pager.after(page)


def _client(request: IngestRequest, source: ApiSource) -> Client:
    from dataflow.http.client import Client
    from dataflow.http.network import Deadline

    return Client(
        request.log,
        policy=request.settings.host_policy,
        max_retries=source.max_retries,
        also_repeats=frozenset({"POST"}),
        read_seconds=source.timeout.read.total_seconds(),
        deadline=Deadline.within(source.timeout.total.total_seconds()),
        requests_a_second=requests_a_second(source.rate_limit) if source.rate_limit else None,
        follow_redirects=True,
    )


def _asker(client: Client, source: ApiSource, table: str) -> Asker:
    import httpx

    from dataflow.sources.api.asking import Asker
    from dataflow.sources.api.login import headers_of_connection, login_of, login_of_connection, sendable

    headers = {"Accept": "application/json", "User-Agent": "dataflow"}
    login: httpx.Auth | None = None
    where = source.url
    if source.connection is not None:
        found = find_connection(source.connection)
        where = _address(found, source.url)
        login = login_of_connection(found)
        headers |= headers_of_connection(found)
    elif source.auth is not None:
        login = login_of(source.auth, client, f"sources.{table}.auth")
    try:
        url = httpx.URL(where)
    except httpx.InvalidURL as error:
        raise FatalError(f"{table}: the address is none: {error}") from None
    query = {name: _said(value) for name, value in source.query.items()}
    url = url.copy_merge_params(query) if query else url
    headers |= {name: sendable(value, f"sources.{table}.headers.{name}") for name, value in source.headers.items()}
    return Asker(client, source, url, headers, login, table)


def _address(connection: Connection, url: str) -> str:
    """Give the whole address of a path, and refuse one of another host than the connection's credentials are for."""
    import httpx

    host = connection.host
    if host and "://" not in host:
        scheme = connection.schema or ("https" if connection.conn_type == "https" else "http")
        host = f"{scheme}://{host}" + (f":{connection.port}" if connection.port else "")
    if url.startswith("/"):
        if not host:
            raise FatalError(f"the connection {connection.id!r} has no host for the path {url}; give it one")
        return host.rstrip("/") + url
    if host and httpx.URL(host).host != httpx.URL(url).host:
        raise FatalError(
            f"the connection {connection.id!r} is for {httpx.URL(host).host}, not for {httpx.URL(url).host}; its "
            "credentials do not go there"
        )
    return url


def _said(value: Any) -> Any:
    return [_one(each) for each in value] if isinstance(value, (list, tuple)) else _one(value)


def _one(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
