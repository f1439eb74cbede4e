"""A line to a server that can break: bytes go both ways until so many have come back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Line:
    """Where it is reached, and when it breaks."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._left: int | None = None
        self._then: Callable[[], None] = self.cut
        self.passes: Callable[[int, bytes], bool] = lambda connection, data: True
        """Asked of each piece of a connection on its way to the server whether it gets there; if not, that breaks."""
        self.port = int(self._listener.getsockname()[1])

    def break_after(self, count: int, then: Callable[[], None] | None = None) -> None:
        """Cut every connection, or do something else, once, when so many bytes have come back."""
        self._left, self._then = count, then or self.cut

    def cut(self) -> None:
        """Cut what is connected now."""
        _hang_up(*self._open)
        self._open.clear()

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._server)
                except OSError:  # it is down at the moment
                    client.close()
                    continue
                self._open += [client, server]
                for source, target, is_back in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._carry, args=(source, target, is_back), daemon=True).start()

    def close(self) -> None:
        """Take no more, and cut what there is."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _carry(self, source: socket.socket, target: socket.socket, is_back: bool) -> None:
        with source, target:
            with suppress(OSError):
                self._pass_on(source, target, is_back)
            # Closed alone, a socket lives on while the thread of the other way waits for it.
            _hang_up(source, target)

    def _pass_on(self, source: socket.socket, target: socket.socket, is_back: bool) -> None:
        while data := source.recv(1 << 14):
            if is_back and self._left is not None:
                self._left -= len(data)
                if self._left < 0:
                    self._left = None
                    self._then()
            if not is_back and not self.passes(id(target), data):
                return
            target.sendall(data)


def _hang_up(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def breakable_line(host: str, port: int) -> Iterator[Line]:
    """Give a line to a server on a free port of this machine."""
    line = Line((host, port))
    thread = threading.Thread(target=line.serve, daemon=True)
    thread.start()
    try:
        yield line
    finally:
        line.close()
        thread.join(5)
