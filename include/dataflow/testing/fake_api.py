"""An HTTP server on this machine that gives the answers it is told, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Asked", "FakeApi"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that the server got."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Their names in lower case."""
    body: str


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class FakeApi:
    """A server for one test. It is there from `__enter__` to `__exit__`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        """Every request, in order."""
        self._answers: dict[str, list[_Answer]] = {}
        self._lock = threading.Lock()
        api = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                answer = api._take(self)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Stay silent: a test reads `asked`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="fake-api", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(
        self, path: str, body: object = "", *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Say what a path answers. Said several times, the answers come in that order, and the last one stays.

        Args:
            path: Without the query, e.g. ``/v1/orders``. Any other path answers 404.
            body: Text and bytes as they are, anything else as JSON.
            status: The HTTP status.
            headers: Beside ``Content-Type`` and ``Content-Length``.
        """
        kind = "text/plain" if isinstance(body, (str, bytes)) else "application/json"
        content = body if isinstance(body, bytes) else body if isinstance(body, str) else json.dumps(body, default=str)
        encoded = content.encode() if isinstance(content, str) else content
        given = _Answer(status, {"Content-Type": kind, **(headers or {})}, encoded)
        with self._lock:
            self._answers.setdefault(path, []).append(given)

    def _take(self, request: BaseHTTPRequestHandler) -> _Answer:
        parts = urlsplit(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        with self._lock:
            self.asked.append(Asked(request.command, parts.path, query, headers, body.decode(errors="replace")))
            answers = self._answers.get(parts.path)
            if not answers:
                told = ", ".join(self._answers) or "nothing"
                missing = json.dumps({"error": f"this fake API has no {parts.path}; it was told of {told}"})
                return _Answer(404, {"Content-Type": "application/json"}, missing.encode())
            return answers.pop(0) if len(answers) > 1 else answers[0]
