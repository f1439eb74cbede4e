"""How requests log in, and to whom a login never goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dataflow.errors import FatalError, TransientError
from dataflow.masking import masked
from kit.api_source import read, refused
from kit.unruly_api import UnrulyApi, busy, says


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "bearer", "token": "t0ken\n"}, "authorization", "Bearer t0ken"),
        ({"type": "basic", "username": "ada", "password": "lovelace"}, "authorization", "Basic YWRhOmxvdmVsYWNl"),
        ({"type": "api_key", "value": "k3y"}, "x-api-key", "k3y"),
        ({"type": "api_key", "name": "X-Key", "value": "k3y", "in": "header"}, "x-key", "k3y"),
    ],
)
def test_each_login_goes_with_every_request(
    tmp_path: Path, api: UnrulyApi, auth: dict[str, str], header: str, value: str
) -> None:
    read(tmp_path, api, auth=auth, headers={"Accept": "application/vnd.shop+json", "X-Tenant": "acme"})

    assert [value] * 3 == [headers[header] for _, _, headers in api.asked]
    assert {("application/vnd.shop+json", "acme")} == {(h["accept"], h["x-tenant"]) for _, _, h in api.asked}


def test_a_key_in_the_query_goes_with_every_request_once(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(busy())

    read(tmp_path, api, auth={"type": "api_key", "name": "key", "value": "k&y", "in": "query"})

    assert ["k&y"] * 4 == [query["key"] for _, query, _ in api.asked]


def test_name_and_password_are_masked_together(tmp_path: Path, api: UnrulyApi) -> None:
    read(tmp_path, api, auth={"type": "basic", "username": "ada", "password": "enigma"})

    assert "Basic ***" in masked("sent Basic YWRhOmVuaWdtYQ==")


@pytest.mark.parametrize("value", ["line\nbreak", "clé", "a\x00b"])
def test_what_no_header_can_hold_is_told_and_not_shown(tmp_path: Path, api: UnrulyApi, value: str) -> None:
    told = refused(tmp_path, api, FatalError, auth={"type": "bearer", "token": value})

    assert "sources.orders.auth.token holds a line break or a letter that no header can hold" in told
    assert value not in told


def oauth2(api: UnrulyApi, **keys: str) -> dict[str, str]:
    return {
        "type": "oauth2",
        "token_url": f"{api.url}/token",
        "client_id": "shop",
        "client_secret": "s3same-open",
        "scope": "read orders",
        **keys,
    }


def test_a_token_is_asked_for_once(tmp_path: Path, api: UnrulyApi) -> None:
    api.routes["/token"] = says({"access_token": "fresh-token", "expires_in": 3600})

    assert [(1,), (2,), (3,)] == read(tmp_path, api, auth=oauth2(api))
    assert ["/token", "/orders", "/orders", "/orders"] == [path for path, _, _ in api.asked]
    assert b"grant_type=client_credentials&scope=read+orders" == api.bodies[0]
    assert ["Bearer fresh-token"] * 3 == [headers["authorization"] for _, _, headers in api.asked[1:]]
    assert "***" == masked("fresh-token")


def test_a_server_that_wants_the_login_in_the_body_gets_it(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says({"error": "invalid_client"}, 401))
    api.routes["/token"] = says({"access_token": "fresh-token"})

    assert 3 == len(read(tmp_path, api, auth=oauth2(api)))
    assert b"client_secret=s3same-open" in api.bodies[1]


def test_a_token_that_is_refused_later_is_renewed_once(tmp_path: Path, api: UnrulyApi) -> None:
    api.routes["/token"] = says({"access_token": "fresh-token"})
    api.next_does(
        says({"access_token": "old-token", "expires_in": 3600}),
        says({"items": [{"id": 1}]}),
        says({"error": "expired"}, 401),
        says({"access_token": "new-token", "expires_in": 3600}),
    )

    assert [(1,), (3,)] == read(tmp_path, api, auth=oauth2(api))
    assert "Bearer new-token" == api.asked[-1][2]["authorization"]


def test_a_token_that_ends_is_asked_for_again_in_time(tmp_path: Path, api: UnrulyApi) -> None:
    from dataflow.sources.api import login

    api.routes["/token"] = says({"access_token": "short-token", "expires_in": login.EARLY_SECONDS})
    api.next_does(says({"access_token": "first-token", "expires_in": -1}))
    api.pages = [[{"id": n}] for n in range(3)]

    assert 3 == len(read(tmp_path, api, auth=oauth2(api), rate_limit="2/s"))
    assert [path for path, _, _ in api.asked].count("/token") >= 2


@pytest.mark.parametrize("answer", [says({"error": "invalid_scope"}, 400), says({"token": "x"}), says(b"[]")])
def test_no_token_is_told_without_the_secret(tmp_path: Path, api: UnrulyApi, answer: Any) -> None:
    api.routes["/token"] = answer

    told = refused(tmp_path, api, FatalError, auth=oauth2(api))

    assert "sources.orders.auth: 127.0.0.1 gave no token" in told
    assert "s3same" not in told


def test_a_web_page_instead_of_a_token_may_be_a_token_later(tmp_path: Path, api: UnrulyApi) -> None:
    api.routes["/token"] = says(b"<html>Maintenance</html>", kind="text/html")

    told = refused(tmp_path, api, TransientError, auth=oauth2(api))

    assert "sources.orders.auth: 127.0.0.1 answered no JSON; try again later" == told


def connected(api: UnrulyApi, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:

    given = {"conn_type": "http", "host": api.url, **fields}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_API", json.dumps(given))


def test_a_connection_says_host_and_login(tmp_path: Path, api: UnrulyApi, monkeypatch: pytest.MonkeyPatch) -> None:
    connected(api, monkeypatch, login="ada", password="lovelace", extra={"X-Tenant": "acme-secret"})

    assert 3 == len(read(tmp_path, api, url="/orders", connection="shop_api"))
    assert {("Basic YWRhOmxvdmVsYWNl", "acme-secret")} == {
        (headers["authorization"], headers["x-tenant"]) for _, _, headers in api.asked
    }
    assert "***" == masked("acme-secret")


def test_a_password_alone_is_a_token(tmp_path: Path, api: UnrulyApi, monkeypatch: pytest.MonkeyPatch) -> None:
    connected(api, monkeypatch, password="t0ken-of-conn")

    read(tmp_path, api, connection="shop_api")

    assert "Bearer t0ken-of-conn" == api.asked[0][2]["authorization"]


@pytest.mark.parametrize(
    ("fields", "is_for"),
    [
        ({"host": "https://api.example.com"}, "https://api.example.com"),
        ({"host": "https://127.0.0.1"}, "https://127.0.0.1"),
        ({"host": "http://127.0.0.1:9"}, "http://127.0.0.1:9"),
        ({"host": "127.0.0.1", "schema": "https"}, "https://127.0.0.1"),
        ({"host": "127.0.0.1", "port": 9}, "http://127.0.0.1:9"),
    ],
)
def test_a_connections_login_goes_to_no_other_server(
    tmp_path: Path, api: UnrulyApi, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], is_for: str
) -> None:
    """Another scheme or port of the same host is another server, too: anybody may listen there."""
    connected(api, monkeypatch, password="t0ken-of-conn", **fields)

    told = refused(tmp_path, api, FatalError, connection="shop_api")

    assert f"the connection 'shop_api' is for {is_for}, not for {api.url}; its credentials do not go there" == told
    assert [] == api.asked


@pytest.mark.parametrize("host", ["{url}", "{url}/v1", "127.0.0.1"])
def test_a_connections_login_goes_to_its_own_server_however_that_is_written(
    tmp_path: Path, api: UnrulyApi, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    port = {"port": int(api.url.rpartition(":")[2])} if host == "127.0.0.1" else {}
    connected(api, monkeypatch, host=host.format(url=api.url), password="t0ken-of-conn", **port)

    assert 3 == len(read(tmp_path, api, connection="shop_api"))
