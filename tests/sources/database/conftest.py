"""What tests of databases share."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from kit.databases import postgres_schema
from kit.postgres_source import Server


@pytest.fixture
def unused_port() -> int:
    """Give a port of this machine on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def server() -> Iterator[Server]:
    """A schema of a PostgreSQL server."""
    with postgres_schema() as url:
        given = Server(url)
        yield given
        given.engine.dispose()
