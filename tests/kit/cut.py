"""A proxy before PostgreSQL that cuts its connections, as a restart of the server or a bad network does."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from dataflow.ducklake import DuckLake

__all__ = ["CutProxy"]


class CutProxy:
    """Stands before the server of a lake. As a context it ends with all its connections."""

    def __init__(self, lake: Path | DuckLake) -> None:
        assert isinstance(lake, DuckLake)
        server = urlsplit(lake.catalog)
        self._server = (server.hostname, server.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        user = server.netloc.rpartition("@")[0]
        here = f"{user}@127.0.0.1:{self._listener.getsockname()[1]}"
        self.lake = replace(lake, catalog=urlunsplit(server._replace(netloc=here)))
        """The same lake, through the proxy."""
        self._guard = threading.Lock()
        self._left: int | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()

    def cut_after(self, count: int | None) -> None:
        """Cut every connection once that many bytes more went to the server, and any new one; None for never."""
        with self._guard:
            self._left = count

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._left is not None and self._left <= 0:
                client.close()
                continue
            server = socket.create_connection(self._server)
            with self._guard:
                self._pairs.append((client, server))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, target, target is server), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if counted and self._is_used_up(len(data)):
                    self._cut()
                    return
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _is_used_up(self, count: int) -> bool:
        with self._guard:
            if self._left is None:
                return False
            self._left -= count
            return self._left <= 0

    def _cut(self) -> None:
        with self._guard:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
