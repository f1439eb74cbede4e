"""A StatsD sink: a UDP socket on this machine, and the client that Airflow would bring with its extra `statsd`."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger
from airflow.sdk._shared.observability.metrics.statsd_logger import get_statsd_logger
from airflow.sdk.observability import stats

__all__ = ["Sink", "statsd_sink"]


class Client:
    """Sends StatsD's lines; its constructor and methods are those of the package `statsd`."""

    def __init__(self, host: str, port: int, prefix: str, ipv6: bool) -> None:
        self._to, self._prefix = (host, port), prefix
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def incr(self, stat: str, count: int = 1, rate: float = 1) -> None:
        self._send(f"{stat}:{count}|c")

    def timing(self, stat: str, delta: float | timedelta) -> None:
        milliseconds = delta.total_seconds() * 1000 if isinstance(delta, timedelta) else delta
        self._send(f"{stat}:{milliseconds:.6f}|ms")

    def close(self) -> None:
        self._socket.close()

    def _send(self, line: str) -> None:
        self._socket.sendto(f"{self._prefix}.{line}".encode(), self._to)


class Sink:
    """What arrived."""

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening

    def lines(self) -> list[str]:
        """Give every line so far; on the loopback what was sent is there."""
        found = []
        try:
            while True:
                found.append(self._socket.recv(65_536).decode())
        except BlockingIOError:
            return found


@contextmanager
def statsd_sink(**given: Any) -> Iterator[Sink]:
    """Let this process's metrics of Airflow go to a sink, as where `[metrics] statsd_on` is set."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.setblocking(False)
        host, port = listening.getsockname()
        made: Any = get_statsd_logger(stats_class=Client, host=host, port=port, prefix="airflow", **given)  # type: ignore[arg-type]
        stats.initialize(factory=lambda: made, export_legacy_names=True)
        try:
            yield Sink(listening)
        finally:
            made.statsd.close()
            stats.initialize(factory=NoStatsLogger, export_legacy_names=True)
