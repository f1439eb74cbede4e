"""What goes with each request, so that the API lets us in."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import httpx

from dataflow.connections import Connection
from dataflow.errors import FatalError, TransientError
from dataflow.masking import keep_secret
from dataflow.spec.sources.api import is_harmless_header
from dataflow.spec.sources.credentials import ApiKey, Auth, BasicLogin, BearerToken, ClientCredentials

if TYPE_CHECKING:
    from dataflow.http.client import Client

__all__ = ["headers_of_connection", "login_of", "login_of_connection", "sendable"]

EARLY_SECONDS = 30.0
"""A token is taken for ended so long before its end."""


def login_of(auth: Auth, client: Client, place: str) -> httpx.Auth:
    """Give what `auth` says; ``place`` is where it stands."""
    match auth:
        case BearerToken(token=token):
            return _Header("Authorization", f"Bearer {sendable(token, f'{place}.token')}")
        case BasicLogin(username=username, password=password):
            return _basic(username, password)
        case ApiKey(name=name, value=value, place="header"):
            return _Header(name, sendable(value, f"{place}.value"))
        case ApiKey(name=name, value=value):
            return _Parameter(name, value)
        case ClientCredentials():
            return _Token(auth, client, place)


def login_of_connection(connection: Connection) -> httpx.Auth | None:
    """Give what a connection says: login and password, or a password that is a token; None where it has neither."""
    if connection.login:
        return _basic(connection.login, connection.password)
    if not connection.password:
        return None
    token = sendable(connection.password, f"the password of the connection {connection.id!r}")
    return _Header("Authorization", f"Bearer {token}")


def headers_of_connection(connection: Connection) -> dict[str, str]:
    """Give the extras of a connection as headers, as Airflow's own HTTP hook sends them; they are masked."""
    headers = {}
    for name, value in connection.extra.items():
        if isinstance(value, str):
            if not is_harmless_header(name):
                keep_secret(value)
            headers[name] = sendable(value, f"the extra {name} of the connection {connection.id!r}")
    return headers


def sendable(value: str, place: str) -> str:
    """Give a value as a header takes it: a line break at its end, as files have it, is left out.

    Raises:
        FatalError: when it holds what no header can; the text does not show it.
    """
    text = value.strip()
    if not (text.isascii() and text.isprintable()):
        raise FatalError(f"{place} holds a line break or a letter that no header can hold; correct what it is set to")
    return text


def _basic(username: str, password: str) -> httpx.Auth:
    keep_secret(f"{username}:{password}")  # they go together into one text
    return httpx.BasicAuth(username, password)


class _Header(httpx.Auth):
    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[self._name] = self._value
        yield request


class _Parameter(httpx.Auth):
    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.url = request.url.copy_set_param(self._name, self._value)
        yield request


class _Token(httpx.Auth):
    """Client credentials. The token is asked for when it is first needed, before it ends, and once when refused."""

    def __init__(self, auth: ClientCredentials, client: Client, place: str) -> None:
        self._auth, self._client, self._place = auth, client, place
        self._token = ""
        self._until = 0.0

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        is_new = time.monotonic() >= self._until
        if is_new:
            self._ask()
        request.headers["Authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED and not is_new:
            self._ask()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _ask(self) -> None:
        said = {"grant_type": "client_credentials"} | ({"scope": self._auth.scope} if self._auth.scope else {})
        login = _basic(self._auth.client_id, self._auth.client_secret)
        answer = self._post(said, login)
        if answer.status_code in (400, 401):  # not every server takes the login in the header
            secret = {"client_id": self._auth.client_id, "client_secret": self._auth.client_secret}
            answer = self._post(said | secret, None)
        if answer.status_code in (408, 429) or answer.status_code >= 500:
            raise TransientError(f"{self._place}: the token server answered {answer.status_code}; try again later")
        try:
            given: dict[str, Any] = answer.json()
        except ValueError:
            if answer.is_success:  # not the server's word, but that of something before it
                raise TransientError(f"{self._place}: {answer.url.host} answered no JSON; try again later") from None
            given = {}
        try:
            token, lasts = str(given["access_token"]), float(given.get("expires_in") or 3600)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise FatalError(
                f"{self._place}: {answer.url.host} gave no token (answered {answer.status_code}); check token_url, "
                "client_id, scope and what client_secret is set to"
            ) from None
        keep_secret(token)
        self._token, self._until = token, time.monotonic() + max(lasts - EARLY_SECONDS, 1.0)

    def _post(self, said: dict[str, str], login: Any) -> httpx.Response:
        return self._client.post(self._auth.token_url, data=said, auth=login, follow_redirects=False)
