"""One page: the request, and what an answer that is none means."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from dataflow.durations import format_duration
from dataflow.errors import FatalError, StepError, TransientError
from dataflow.http.client import AGAIN, Client, is_same_origin
from dataflow.http.policy import HostRefused
from dataflow.masking import masked
from dataflow.sources.api.page import Page, begins_like_json, page_of, shorten
from dataflow.sources.api.paging import Ask
from dataflow.spec.sources.api import ApiSource
from dataflow.spec.sources.paging import NumberedPages

__all__ = ["Asker"]


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks one source for its pages."""

    client: Client
    source: ApiSource
    url: httpx.URL
    """The source's address."""
    headers: Mapping[str, str]
    login: httpx.Auth | None
    place: str
    """How messages name the source."""

    def page(self, ask: Ask, number: int) -> Page:
        """Ask for a page and read it.

        Raises:
            TransientError: when there was no answer, none but "not now", or one that is not the API's.
            FatalError: when the API refuses, or the page is on another host.
            ContractError: when the answer has no records.
        """
        place = f"{self.place}: page {number}"
        request = self._request(ask, place)
        try:
            answer = self.client.send(request, auth=self.login)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise self._no_answer(error, request, place) from None
        if answer.status_code == httpx.codes.NO_CONTENT or self._is_behind_the_last(answer, number):
            return Page(number, str(answer.url), 0, b"", 0, b"null")
        if not answer.is_success:
            raise self._refused(answer, place, passes=self._may_be_the_end(answer, number))
        link = answer.links.get("next", {}).get("url")
        where = str(answer.url)
        return page_of(answer.content, number=number, url=where, link=link, records=self.source.records, place=place)

    def _is_behind_the_last(self, answer: httpx.Response, number: int) -> bool:
        """Tell whether the API says that there is no such page: so many end (Django REST's default)."""
        return self._may_be_the_end(answer, number) and (not answer.content or begins_like_json(answer.content))

    def _may_be_the_end(self, answer: httpx.Response, number: int) -> bool:
        is_numbered = isinstance(self.source.pagination, NumberedPages)
        return is_numbered and number > 1 and answer.status_code == httpx.codes.NOT_FOUND  # page 1 must be there

    def _request(self, ask: Ask, place: str) -> httpx.Request:
        source = self.source
        if ask.url is not None:
            url = httpx.URL(ask.url)
            if not is_same_origin(self.url, url):
                raise HostRefused(
                    f"{place} is said to be on {url.scheme}://{url.host}, another server than {self.url.host}; it is "
                    "not asked, for it would get the credentials"
                )
            return self.client.build_request(source.method, url, headers=self.headers, json=source.body)
        if source.method == "POST":
            body = _with_params(source.body, ask.params)
            return self.client.build_request("POST", self.url, headers=self.headers, json=body)
        url = self.url.copy_merge_params(ask.params) if ask.params else self.url
        return self.client.build_request("GET", url, headers=self.headers)

    def _no_answer(self, error: Exception, request: httpx.Request, place: str) -> StepError:
        if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
            return FatalError(f"{place}: the address is none: {masked(str(error))}")
        if self.client.deadline.is_over or isinstance(error, httpx.PoolTimeout):
            total = format_duration(self.source.timeout.total)
            return TransientError(f"{place}: not done within {total}; raise timeout.total, or ask for less")
        told = f"{type(error).__name__}: {masked(str(error))}" if str(error) else type(error).__name__
        return TransientError(f"{place}: no whole answer of {request.url.host} ({told})")

    def _refused(self, answer: httpx.Response, place: str, *, passes: bool) -> StepError:
        status, source = answer.status_code, self.source
        said = f"; it says {masked(shorten(answer.content))}" if answer.content.strip() else ""
        if status in (401, 403):
            by = f"the connection {source.connection!r}" if source.connection else "no `auth`"
            by = f"auth of type {source.auth.type}" if source.auth else by
            return FatalError(
                f"{place}: {answer.url.host} refuses us ({status}) with {by}; check what it is set to{said}"
            )
        if status in AGAIN or status >= 500:
            return TransientError(f"{place}: {answer.url.host} answered {status} each time{said}")
        if passes:
            return TransientError(f"{place}: {answer.url.host} answered {status}, not in JSON as the API does{said}")
        return FatalError(f"{place}: {answer.url.host} answered {status}{said}")


def _with_params(body: Mapping[str, Any] | None, params: Mapping[str, str | int]) -> dict[str, Any] | None:
    """Give the body with the parameters of the page; each name is a dotted path into it."""
    if body is None and not params:
        return None
    filled: dict[str, Any] = copy.deepcopy(dict(body or {}))
    for path, value in params.items():
        *inside, last = path.split(".")
        here = filled
        for key in inside:
            if not isinstance(here.setdefault(key, {}), dict):
                raise FatalError(f"the body has no mapping {key!r} to hold {path}; correct `body` or `pagination`")
            here = here[key]
        here[last] = value
    return filled
