"""Connections: a host is resolved once, its addresses are judged, and the connection goes to one that was judged.

So an answer of the name server that is another the next time gains nothing. Everything is read under one deadline,
headers too, so that a server which sends a byte now and then does not hold a task for ever.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from dataflow.http.policy import HostPolicy, HostRefused

__all__ = ["Deadline", "DirectTransport"]

CONNECT_SECONDS = 10.0


@dataclass(slots=True)
class Deadline:
    """The moment until which everything must be done."""

    at: float | None = None
    """As `time.monotonic` counts; None for no end."""

    @classmethod
    def within(cls, seconds: float | None) -> Deadline:
        """Give the one that many seconds from now."""
        return cls(None if seconds is None else time.monotonic() + seconds)

    def restart(self, seconds: float) -> None:
        """Let it be that many seconds from now."""
        self.at = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds; not below 0."""
        return float("inf") if self.at is None else max(0.0, self.at - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0.0


class DirectTransport(httpx.BaseTransport):
    """Sends requests over direct connections: no proxy, no ``.netrc``, no certificate but the usual ones."""

    def __init__(
        self, policy: HostPolicy, deadline: Deadline, *, answers_as: Callable[..., httpx.Response] = httpx.Response
    ) -> None:
        self._answers_as = answers_as
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=10,
            max_keepalive_connections=5,
            keepalive_expiry=5.0,
            network_backend=_JudgingBackend(policy, deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it once.

        Raises:
            httpx.TransportError: when the connection fails.
            HostRefused: when the host may not be asked.
        """
        raw = request.url
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=raw.raw_scheme, host=raw.raw_host, port=raw.port, target=raw.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _in_httpx_words(request):
            answer = self._pool.handle_request(sent)
        return self._answers_as(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream, request),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Any, request: httpx.Request) -> None:
        self._stream = stream
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        with _in_httpx_words(self._request):
            yield from self._stream

    def close(self) -> None:
        self._stream.close()


class _JudgingBackend(httpcore.NetworkBackend):
    def __init__(self, policy: HostPolicy, deadline: Deadline) -> None:
        self._policy = policy
        self._deadline = deadline
        self._tcp = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception | None = None
        for address in self._policy.allowed(host, _addresses(host, port)):
            bound = _bounded(timeout, self._deadline, httpcore.ConnectTimeout)
            try:
                stream = self._tcp.connect_tcp(address, port, bound, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failed or httpcore.ConnectError("no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        del timeout, socket_options
        raise HostRefused(f"{path}: only hosts of the network are asked")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _bounded(timeout, self._deadline, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _bounded(timeout, self._deadline, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        bound = _bounded(timeout, self._deadline, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, bound), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} has no address: {error}") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _bounded(timeout: float | None, deadline: Deadline, over: type[Exception]) -> float | None:
    if deadline.at is None:
        return timeout
    if deadline.is_over:
        raise over("the time is over")
    return deadline.left if timeout is None else min(timeout, deadline.left)


@contextmanager
def _in_httpx_words(request: httpx.Request) -> Iterator[None]:
    """Raise httpcore's errors as those of httpx, which are called alike."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise getattr(httpx, type(error).__name__)(str(error), request=request) from error
    except (httpcore.UnsupportedProtocol, httpcore.ProxyError) as error:
        raise httpx.UnsupportedProtocol(str(error), request=request) from error
