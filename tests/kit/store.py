"""An S3 server of its own (moto, over real HTTP), a bucket in it, and a proxy before it that misbehaves when told."""

from __future__ import annotations

import http.client
import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dataflow.s3.client import client_of
from dataflow.s3.place import S3Place

__all__ = ["Bucket", "Proxy", "bucket", "connect", "disconnect", "proxy"]


@dataclass(frozen=True)
class Bucket:
    """An empty bucket, and the connection that reaches it."""

    connection: str
    name: str
    port: int

    def place(self, key: str = "") -> S3Place:
        return S3Place(self.connection, self.name, key)

    @property
    def client(self) -> Any:
        return client_of(self.connection)

    def names(self) -> list[str]:
        return sorted(each["Key"] for each in self.client.list_objects_v2(Bucket=self.name).get("Contents", ()))

    def put(self, key: str, content: bytes | str) -> None:
        body = content.encode() if isinstance(content, str) else content
        self.client.put_object(Bucket=self.name, Key=key, Body=body)

    def read(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content


@cache
def _server() -> int:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    return server.get_host_and_port()[1]


def connect(port: int, *, tries: int = 6) -> str:
    """Make a connection to a store on this machine, as Airflow reads it from the environment, and give its id."""
    connection = f"store_{uuid.uuid4().hex[:8]}"
    os.environ[f"AIRFLOW_CONN_{connection.upper()}"] = json.dumps(
        {
            "conn_type": "aws",
            "login": "someone",
            "password": "a-secret-key",
            "extra": {
                "endpoint_url": f"http://127.0.0.1:{port}",
                "region_name": "us-east-1",
                "config_kwargs": {
                    "s3": {"addressing_style": "path"},
                    "retries": {"mode": "standard", "total_max_attempts": tries},
                },
            },
        }
    )
    return connection


def disconnect(connection: str) -> None:
    os.environ.pop(f"AIRFLOW_CONN_{connection.upper()}", None)


@contextmanager
def bucket(port: int | None = None) -> Iterator[Bucket]:
    """Give an empty bucket of the server on that port, by default of one that all tests of this process share."""
    port = port or _server()
    connection = connect(port)
    made = Bucket(connection, f"bucket-{uuid.uuid4().hex[:12]}", port)
    made.client.create_bucket(Bucket=made.name)
    try:
        yield made
    finally:
        disconnect(connection)


Misbehaves = Callable[[str, str], str | None]
"""Takes a request's method and path, and says what becomes of it: None, or one of `Proxy.HOW`; or 501, which becomes of
those with a condition."""


@dataclass
class Proxy:
    """Hands requests on to a store, unless it is told to misbehave."""

    HOW = ("503", "hang up", "cut the answer", "lose the answer")
    port: int
    misbehaves: Misbehaves = lambda method, path: None
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Every request, and what became of it."""

    def fail(self, how: str, *, times: int, method: str | None = None, of: str = "") -> None:
        """Misbehave so for the next so many requests of that method whose path holds that text."""
        left = iter(range(times))

        def misbehaves(given: str, path: str) -> str | None:
            fits = (method is None or method == given) and of in path
            return how if fits and next(left, None) is not None else None

        self.misbehaves = misbehaves


class _Handler(BaseHTTPRequestHandler):
    """Hands one request on, or does what the proxy is told."""

    protocol_version = "HTTP/1.1"
    proxy: Proxy
    behind: int

    def _hand_on(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        how = self.proxy.misbehaves(self.command, self.path)  # may wait for long; others go on
        self.proxy.seen.append((self.command, self.path, how))
        if how == "hang up" or len(body) < length:
            self._hang_up()
            return
        if how == "503":
            self._answer(503, {"Content-Type": "application/xml"}, SLOW_DOWN)
            return
        if how == "501" and "If-Match" in self.headers:
            self._answer(501, {"Content-Type": "application/xml"}, UNKNOWN)
            return
        status, headers, content = self._ask(body)
        if how == "lose the answer":
            self._hang_up()
        elif how == "cut the answer":
            self._answer(status, headers | {"Content-Length": str(len(content))}, content[: len(content) // 2])
            self._hang_up()
        else:
            length_told = {} if self.command == "HEAD" else {"Content-Length": str(len(content))}
            self._answer(status, headers | length_told, content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _hand_on  # noqa: N815  # the base class's names

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.behind, timeout=30)) as store:
            store.request(self.command, self.path, body=body, headers=dict(self.headers.items()))
            answer = store.getresponse()
            content = answer.read()
        left_out = ("transfer-encoding", "connection", "server", "date")
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in left_out}
        return answer.status, headers, content

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":  # has no body: the client would take it for the next answer
            self.wfile.write(content)

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what many tests are about."""


@contextmanager
def proxy(behind: int) -> Iterator[Proxy]:
    """Run a proxy before a store."""
    running = Proxy(0)
    handler = type("Handler", (_Handler,), {"proxy": running, "behind": behind})
    server = _Server(("127.0.0.1", 0), handler)
    running.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


UNKNOWN = b"<?xml version='1.0'?><Error><Code>NotImplemented</Code><Message>If-Match is not known.</Message></Error>"
SLOW_DOWN = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
