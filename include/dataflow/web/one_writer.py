"""Requests that write take turns, for an Airflow whose metadata database is a SQLite file."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["OneWriter"]

READS = frozenset({"GET", "HEAD", "OPTIONS"})
_has_the_turn: ContextVar[bool] = ContextVar("_has_the_turn", default=False)


class OneWriter:
    """Let one writing request at a time into the app; the others wait without standing in anybody's way.

    Airflow writes its audit log on the server's event loop (``action_logging``, a commit in a coroutine). Where another
    request has written and not committed yet, that write waits for SQLite's lock, and the other's commit waits for the
    event loop: the whole server stands still, the heartbeats of all tasks with it, until SQLite's timeout ends the wait
    with an error. Only one writes to a SQLite file at a time anyway, so taking turns costs nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, one that writes when its turn has come."""
        # A request that asks this app again, as our trigger does, has its turn already.
        if scope["type"] != "http" or scope["method"] in READS or _has_the_turn.get():
            await self._app(scope, receive, send)
            return
        async with self._turn:
            token = _has_the_turn.set(True)
            try:
                await self._app(scope, receive, send)
            finally:
                _has_the_turn.reset(token)
