"""The HTTP client of a step: bounded in time, and patient with servers that are busy."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import httpx
import tenacity

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["open_client"]

TRIES = 4
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
AGAIN = frozenset({429, 500, 502, 503, 504})
"""Answers that say: not now."""
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that do the same when they are sent twice."""


def open_client(log: logging.Logger, *, wait: Callable[[tenacity.RetryCallState], float] | None = None) -> httpx.Client:
    """Give a client that sends a repeatable request up to four times; the caller closes it.

    The last answer is given as it is: ``raise_for_status()`` is the caller's.
    """
    pause = wait or tenacity.wait_exponential(multiplier=0.5, max=10)
    return httpx.Client(transport=_Patient(httpx.HTTPTransport(), log, pause), timeout=TIMEOUT, follow_redirects=False)


class _Patient(httpx.BaseTransport):
    def __init__(
        self, inner: httpx.BaseTransport, log: logging.Logger, wait: Callable[[tenacity.RetryCallState], float]
    ) -> None:
        self._inner = inner
        self._log = log
        self._wait = wait

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method not in REPEATABLE:
            return self._inner.handle_request(request)
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(TRIES),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(httpx.TransportError)
            | tenacity.retry_if_result(lambda answer: answer.status_code in AGAIN),
            before_sleep=lambda state: self._tell(request, state),
            retry_error_callback=_last,
        )
        return retrying(self._inner.handle_request, request)

    def close(self) -> None:
        self._inner.close()

    def _tell(self, request: httpx.Request, state: tenacity.RetryCallState) -> None:
        outcome = state.outcome
        if outcome is not None and not outcome.failed:
            outcome.result().close()
        why = type(outcome.exception()).__name__ if outcome and outcome.failed else "the server is busy"
        # The host only: a path or a query may hold what is secret.
        self._log.warning("%s %s: %s; once more", request.method, request.url.host, why)


def _last(state: tenacity.RetryCallState) -> httpx.Response:
    if state.outcome is None:
        raise httpx.TransportError("no answer")
    answer: httpx.Response = state.outcome.result()
    return answer
