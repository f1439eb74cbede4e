"""An API as a source: all its pages, then one reading of their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.connections import Connection, find_connection
from dataflow.errors import FatalError
from dataflow.sources.contract.columns import declared_paths, key_is_gone, keys_of_columns
from dataflow.sources.files.json_files import read_json_files
from dataflow.sources.files.scan_sql import Option
from dataflow.sources.reading import Reading
from dataflow.sources.request import IngestRequest
from dataflow.spec.sources.api import ApiSource, requests_a_second

if TYPE_CHECKING:
    import httpx
    from duckdb import DuckDBPyConnection

    from dataflow.http.client import Client
    from dataflow.sources.api.asking import Asker
    from dataflow.sources.api.page import Page
    from dataflow.sources.api.page_keys import PageKeys
    from dataflow.sources.api.paging import Ask
    from dataflow.sources.api.spool import Spool

__all__ = ["first_page", "read_api"]

LEAST_SIZE = 1 << 20
"""Bytes of one record that DuckDB makes room for at least; it holds twice that for each thread, and 16 MB untold."""


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
    from dataflow.sources.api.page_keys import PageKeys
    from dataflow.sources.api.spool import Spool
    from dataflow.sources.so_far import SoFar

    so_far = SoFar(request.table, request.log, request.watch)
    spool = Spool(scratch / "records.ndjson", request.table, so_far)
    paths = declared_paths(source.columns)
    keys = PageKeys(keys_of_columns(declared, paths))
    with _client(request, source) as client:
        _read_pages(_asker(client, source, request.table), spool, keys)
    request.log.info("%s: %s", request.table, so_far)
    for page in keys.gone(spool.path):
        of, key = f"the page's {page.records} records", paths.get(page.column, page.column)
        place = f"{request.table}: page {page.number}, record 1"
        key_is_gone(place, key, of, found=page.found, log=request.log, contract=source.schema_contract)
    options: dict[str, Option] = {"maximum_object_size": max(spool.longest + 1024, LEAST_SIZE)}
    return read_json_files(
        connection,
        [spool.file],
        declared,
        paths=paths,
        format_name="ndjson",
        options=options,
        log=request.log,
        scratch=scratch,
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


def _read_pages(asker: Asker, spool: Spool, keys: PageKeys) -> None:
    from dataflow.sources.api.paging import Pager

    pager = Pager(asker.source.pagination, asker.place)
    with spool.path.open("wb") as into:
        ask: Ask | None = pager.first()
        for number in count(1):
            if ask is None:
                return
            page = asker.page(ask, number)
            keys.look(page)
            spool.add(page, into)
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
    """Give the whole address of a path, and refuse one of another server than the connection's credentials are for."""
    import httpx

    from dataflow.http.client import is_same_origin

    host = connection.host
    if host and "://" not in host:
        scheme = connection.schema or ("https" if connection.conn_type == "https" else "http")
        host = f"{scheme}://{host}" + (f":{connection.port}" if connection.port else "")
    if url.startswith("/"):
        if not host:
            raise FatalError(f"the connection {connection.id!r} has no host for the path {url}; give it one")
        return host.rstrip("/") + url
    if host and not is_same_origin(httpx.URL(host), httpx.URL(url)):
        raise FatalError(
            f"the connection {connection.id!r} is for {_origin(host)}, not for {_origin(url)}; its credentials do not "
            "go there"
        )
    return url


def _origin(address: str) -> str:
    """Give scheme, host and port alone: the rest may hold what is secret."""
    import httpx

    url = httpx.URL(address)
    return f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port else "")


def _said(value: Any) -> Any:
    return [_one(each) for each in value] if isinstance(value, (list, tuple)) else _one(value)


def _one(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
