from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from dataflow.runtime.http_client import TRIES, open_client


class Busy(BaseHTTPRequestHandler):
    """Answers 503 as often as the server is told, then 200; counts what was asked."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.asked += 1
        self.send_response(503 if server.asked <= server.busy else 200)
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    server.asked, server.busy = 0, 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with open_client(logging.getLogger("test"), wait=lambda _: 0.0) as client:
        yield client


def address(server: Any) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/?token=hidden"


def test_a_busy_server_is_asked_again_and_the_log_does_not_say_what(
    server: Any, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    server.busy = 2

    assert client.get(address(server)).status_code == 200
    assert server.asked == 3
    assert "GET 127.0.0.1: the server is busy; once more" in caplog.messages
    assert not any("hidden" in message for message in caplog.messages if "once more" in message)


def test_the_last_answer_of_a_server_that_stays_busy_is_given(server: Any, client: httpx.Client) -> None:
    server.busy = 99

    assert client.get(address(server)).status_code == 503
    assert server.asked == TRIES


def test_what_would_be_done_twice_is_sent_once(server: Any, client: httpx.Client) -> None:
    server.busy = 1

    assert client.post(address(server)).status_code == 503
    assert server.asked == 1


def test_a_server_that_is_not_there_is_an_error(server: Any, client: httpx.Client) -> None:
    server.shutdown()
    server.server_close()

    with pytest.raises(httpx.ConnectError):
        client.get(address(server))
