"""A real HTTP server that misbehaves on purpose, as often as it is told, and then answers as it should."""

from __future__ import annotations

import gzip
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

__all__ = ["UnrulyApi"]

Behaviour = Callable[[Any], None]


class UnrulyApi:
    """Gives pages of records; ``next_does`` says what it does instead at the next request."""

    def __init__(self, pages: list[list[Any]] | None = None, *, at: str = "127.0.0.1", port: int = 0) -> None:
        self.pages = pages if pages is not None else [[{"id": 1}, {"id": 2}], [{"id": 3}]]
        """Page n is asked for with ``?page=n``, from 1 on; any other is empty."""
        self.asked: list[tuple[str, dict[str, str], Mapping[str, str]]] = []
        """Path, query and headers (names in lower case) of each request."""
        self.bodies: list[bytes] = []
        self.moments: list[float] = []
        self.instead: deque[Behaviour] = deque()
        self.routes: dict[str, Behaviour] = {}
        """What a path does each time."""
        self.released = threading.Event()
        """Set at the end, so that nobody hangs for ever."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                api.serve(self)

            do_POST = do_PATCH = do_GET  # noqa: N815  # http.server's names

            def log_message(self, *_: Any) -> None:
                """Stay silent: a test reads `asked`."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that goes away is what many tests are about."""

        self._server = Server((at, port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def next_does(self, *behaviours: Behaviour) -> None:
        self.instead.extend(behaviours)

    def serve(self, handler: Any) -> None:
        import time

        parts = urlsplit(handler.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.bodies.append(handler.rfile.read(int(handler.headers.get("Content-Length") or 0)))
        self.asked.append((parts.path, query, {name.lower(): value for name, value in handler.headers.items()}))
        self.moments.append(time.monotonic())
        if self.instead:
            self.instead.popleft()(handler)
        elif parts.path in self.routes:
            self.routes[parts.path](handler)
        else:
            number = int(query.get("page", 1))
            says({"items": self.pages[number - 1] if 0 < number <= len(self.pages) else []})(handler)


def says(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None, *, kind: str = "application/json"
) -> Behaviour:
    """Answer: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def serve(handler: Any) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return serve


def zipped(body: object) -> Behaviour:
    return says(gzip.compress(json.dumps(body).encode()), headers={"Content-Encoding": "gzip"})


def busy(status: int = 503, after: str = "0") -> Behaviour:
    return says(b"busy", status, {"Retry-After": after}, kind="text/plain")


def breaks_off(handler: Any) -> None:
    """Promise a body, and close in the middle of it."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"items": [{"id": 1}')
    handler.wfile.flush()
    handler.connection.close()
    handler.close_connection = True


def hangs(released: threading.Event) -> Behaviour:
    """Say nothing at all."""

    def serve(handler: Any) -> None:
        released.wait(30)
        handler.close_connection = True

    return serve


def drips(released: threading.Event) -> Behaviour:
    """Say a little now and then, so that no read ever times out."""

    def serve(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not released.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    return serve


def redirects(to: str, status: int = 302) -> Behaviour:
    return says(b"", status, {"Location": to})
