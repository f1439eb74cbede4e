"""An HTTP API as a source."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from dataflow.spec.base import Count, Duration, Spec, Text
from dataflow.spec.notify import CONNECTION_PATTERN
from dataflow.spec.resolved import Resolved, ResolvedText
from dataflow.spec.sources.base import Columns, Dotted, SourceBase
from dataflow.spec.sources.credentials import Auth
from dataflow.spec.sources.paging import OnePage, Pagination

__all__ = ["RATE_PATTERN", "ApiSource", "Timeout", "is_harmless_header", "requests_a_second"]

RATE_PATTERN = r"^[1-9][0-9]{0,5}/[sm]$"

_HARMLESS = re.compile(
    r"accept|accept-(?:charset|encoding|language)|cache-control|content-(?:language|type)|from|if-[a-z-]+|origin|prefer|"
    r"referer|user-agent|x-requested-with|(?:[a-z0-9-]+-)?version",
    re.IGNORECASE,
)


def is_harmless_header(name: str) -> bool:
    """Tell whether a header of this name holds no secret: ``Accept``, ``User-Agent``, ``X-Api-Version`` and the like.

    Those that are not known to be harmless are taken for secret: APIs call their keys what they like.
    """
    return _HARMLESS.fullmatch(name) is not None


def requests_a_second(rate: str) -> float:
    """Read ``5/s`` or ``100/m``."""
    number, _, unit = rate.partition("/")
    return int(number) / {"s": 1, "m": 60}[unit]


class Timeout(Spec):
    """How long an API may take."""

    read: Duration = timedelta(seconds=30)
    """Without a word of the server for so long, the request is given up and sent again."""
    total: Duration = timedelta(hours=1)
    """All pages with all retries; after that the step fails."""

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if min(self.read, self.total) <= timedelta(0):
            raise ValueError("an answer takes some time; give `read` and `total` such as 30s and 1h")
        return self


class ApiSource(SourceBase):
    """An HTTP API that answers with JSON, read page by page."""

    type: Literal["api"]
    url: ResolvedText
    """The address; a path such as ``/v1/orders`` where a ``connection`` says the host. May hold templates and
    references."""
    method: Literal["GET", "POST"] = "GET"
    """``POST`` for an API that is searched with a body; it is sent again after a failure, like ``GET``."""
    headers: Annotated[dict[Text, Text], Resolved(secret=True, unless=is_harmless_header)] = Field(default_factory=dict)
    """Headers of each request. Their values are secret, so write ``${NAME}``; only those of well-known harmless ones
    (``Accept``, ``User-Agent``, ``Content-Type``, ``...-Version``) may be written as they are."""
    query: Annotated[dict[Text, str | int | float | bool | list[str | int | float | bool]], Resolved()] = Field(
        default_factory=dict
    )
    """Parameters of the address; a list repeats its name. May hold templates and references."""
    body: Annotated[dict[Text, Any] | None, Resolved()] = None
    """Of a ``POST``: a mapping, sent as JSON. May hold templates and references. The parameters of ``pagination`` go
    into it, by dotted path."""
    auth: Auth | None = None
    """How to log in."""
    connection: Annotated[str, Field(pattern=CONNECTION_PATTERN)] | None = None
    """An Airflow connection instead of ``auth``: login and password are sent as basic, a password alone as a bearer
    token, its extras as headers."""
    records: Dotted | None = None
    """Where the records are in an answer: keys, joined by dots. Without it the answer is the list itself."""
    pagination: Pagination = Field(default_factory=lambda: OnePage(type="none"))
    """How the answer is split into pages."""
    timeout: Timeout = Field(default_factory=Timeout)
    """How long it may take."""
    max_retries: Annotated[Count, Field(le=20)] = 5
    """How often one request is sent again when the server is busy, or the connection breaks."""
    rate_limit: Annotated[str, Field(pattern=RATE_PATTERN)] | None = None
    """At most so many requests, a second or a minute."""
    columns: Annotated[Columns, Field(min_length=1)]
    """Columns and their types; what is not declared is not landed."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.body is not None and self.method != "POST":
            raise ValueError("only a POST has a `body`; write `method: POST`, or say it in `query`")
        if self.auth is not None and self.connection is not None:
            raise ValueError("`auth` and `connection` both say how to log in; give one of them")
        return self
