"""The HTTP client: it tries again where that may help, and never gives more than was bargained for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx

from dataflow.errors import FatalError
from dataflow.http.answer import ASKED_CODING, BoundedResponse
from dataflow.http.network import CONNECT_SECONDS, Deadline, DirectTransport
from dataflow.http.pace import Pace
from dataflow.http.policy import HostPolicy, HostRefused
from dataflow.http.waiting import pause_before

__all__ = ["Client", "is_same_origin"]

AGAIN = frozenset({408, 429, 500, 502, 503, 504})
"""Answers that say: not now."""
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that do the same when they are sent twice."""
MAX_RETRIES = 3
READ_SECONDS = 30.0
MAX_REDIRECTS = 5
MAX_BYTES = 256 << 20
"""Of one answer, unpacked; what is streamed has no bound."""
PLAIN_HEADERS = frozenset({"accept", "accept-encoding", "connection", "host", "user-agent"})
"""What another host may be told."""

# httpx tells each address at INFO, and a query may hold what is secret; we tell what matters of them.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Client(httpx.Client):
    """An httpx client that retries, keeps to its host, its pace and its time.

    A busy server (408, 429, 5xx) and a broken connection, also in the middle of a body, are tried again; the last
    answer is given as it is: ``raise_for_status()`` is the caller's. A redirect is followed on the same host alone.
    """

    def __init__(
        self,
        log: logging.Logger,
        *,
        policy: HostPolicy,
        max_retries: int = MAX_RETRIES,
        also_repeats: frozenset[str] = frozenset(),
        read_seconds: float = READ_SECONDS,
        deadline: Deadline | None = None,
        request_seconds: float | None = None,
        requests_a_second: float | None = None,
        follow_redirects: bool = False,
        leaves_host: bool = False,
        max_bytes: int = MAX_BYTES,
        pause: Callable[[float], None] | None = None,
        **given: Any,
    ) -> None:
        """Make a client; the caller closes it.

        Args:
            log: Where retries are told, with the host and nothing more of the address.
            policy: Which hosts may be asked.
            max_retries: How often a request is sent again.
            also_repeats: Further methods that are: a POST that only searches.
            read_seconds: Without a word for so long, the server is given up.
            deadline: Until when everything must be done.
            request_seconds: Instead of a deadline: for each request, with its retries and until its body is read.
            requests_a_second: The pace.
            follow_redirects: Whether they are followed, unless a request says so itself.
            leaves_host: Whether to another host too, unless it is from https to http; no credentials go there.
            max_bytes: The bound of one answer, unpacked.
            pause: Waits for so many seconds; by default for real.
            given: Further arguments of ``httpx.Client``.
        """
        self.deadline = deadline or Deadline()
        self._log = log
        self._request_seconds = request_seconds
        self._tries = max_retries + 1
        self._repeatable = REPEATABLE | also_repeats
        self._pace = Pace(requests_a_second)
        self._pause = pause or threading.Event().wait
        self._leaves_host = leaves_host
        super().__init__(
            # Bounded from the beginning: httpx itself reads the body of an answer that asks for another login.
            transport=DirectTransport(policy, self.deadline, answers_as=partial(BoundedResponse, max_bytes=max_bytes)),
            timeout=httpx.Timeout(read_seconds, connect=min(CONNECT_SECONDS, read_seconds)),
            follow_redirects=follow_redirects,
            trust_env=False,
            **given,
        )
        self.headers["Accept-Encoding"] = ASKED_CODING

    def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: Any = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: Any = httpx.USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """Send a request, again where that may help.

        Raises:
            httpx.TransportError: when there was no whole answer at the last try either; `httpx.PoolTimeout` when the
                pace leaves no time to ask.
            HostRefused: when the host, or the one of a redirect, may not be asked.
            AnswerTooLarge: when the answer is, unless it is streamed.
        """
        follows = self.follow_redirects if follow_redirects is httpx.USE_CLIENT_DEFAULT else bool(follow_redirects)
        may_repeat = request.method in self._repeatable and isinstance(request.stream, httpx.ByteStream)
        left = self._tries if may_repeat else 1
        if self._request_seconds is not None:
            self.deadline.restart(self._request_seconds)
        while True:
            left -= 1
            self._keep_pace(request)
            try:
                answer = self._once(request, stream=stream, auth=auth, follows=follows)
            except (httpx.TransportError, httpx.DecodingError) as error:
                if not left or not self._waits(request, self._tries - left, why=_named(error)):
                    raise
            else:
                if answer.status_code not in AGAIN or not left:
                    return answer
                why, after = f"answered {answer.status_code}", answer.headers.get("Retry-After")
                if not self._waits(request, self._tries - left, why=why, retry_after=after):
                    return answer
                answer.close()

    def _keep_pace(self, request: httpx.Request) -> None:
        if (delay := self._pace.delay()) >= self.deadline.left:
            raise httpx.PoolTimeout("the time is over before the pace allows this request", request=request)
        if delay > 0:
            self._pause(delay)

    def _once(self, request: httpx.Request, *, stream: bool, auth: Any, follows: bool) -> httpx.Response:
        answer = super().send(request, stream=True, auth=auth, follow_redirects=False)
        try:
            if follows:
                answer = self._followed(answer, origin=request.url, auth=auth)
            if not stream:
                answer.read()
            elif isinstance(answer, BoundedResponse):
                answer.max_bytes = None
        except BaseException:
            answer.close()
            raise
        return answer

    def _followed(self, answer: httpx.Response, *, origin: httpx.URL, auth: Any) -> httpx.Response:
        for _ in range(MAX_REDIRECTS + 1):
            if answer.next_request is None:
                return answer
            following = self._following(answer.next_request, origin=origin)
            answer.close()
            auth = auth if is_same_origin(origin, following.url) else None
            answer = super().send(following, stream=True, auth=auth, follow_redirects=False)
        answer.close()
        raise FatalError(f"{origin.host} redirects without end; correct the address")

    def _following(self, following: httpx.Request, *, origin: httpx.URL) -> httpx.Request:
        if is_same_origin(origin, following.url):
            return following
        if not self._leaves_host:
            raise HostRefused(
                f"{origin.host} redirects to {following.url.scheme}://{following.url.host}, which is not asked: "
                "credentials and data would come from another host than was named; where that is right, name it itself"
            )
        if (origin.scheme, following.url.scheme) == ("https", "http"):
            raise HostRefused(
                f"{origin.host} redirects from https to http, where anybody in between may change what comes; "
                "where that is right, name the other address itself"
            )
        headers = {name: value for name, value in following.headers.items() if name in PLAIN_HEADERS}
        url = following.url.copy_with(username=None, password=None)
        return httpx.Request(following.method, url, headers=headers, extensions=following.extensions)

    def _waits(self, request: httpx.Request, retry: int, *, why: str, retry_after: str | None = None) -> bool:
        """Wait before the next try; False where there is no time left for it."""
        pause = pause_before(retry, retry_after=retry_after)
        if pause >= self.deadline.left:
            return False
        # The host only: a path or a query may hold what is secret.
        told = (request.method, request.url.host, why, pause, retry, self._tries - 1)
        self._log.warning("%s %s: %s; again in %.1f s (retry %d of %d)", *told)
        self._pause(pause)
        return True


def is_same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Tell whether two addresses are of one server; from http to https on the usual ports it still is one."""
    ports = {"http": 80, "https": 443}
    if one.host != other.host:
        return False
    if (one.scheme, other.scheme) == ("http", "https"):
        return (one.port or 80, other.port or 443) == (80, 443)
    return one.scheme == other.scheme and (one.port or ports.get(one.scheme)) == (other.port or ports.get(one.scheme))


def _named(error: Exception) -> str:
    return f"no whole answer ({type(error).__name__})"
