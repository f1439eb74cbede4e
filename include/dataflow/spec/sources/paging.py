"""How an API splits an answer into pages, and how the next one is asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dataflow.spec.base import Count, Spec, Text
from dataflow.spec.sources.base import Dotted

__all__ = ["CursorPages", "LinkedPages", "NumberedPages", "OffsetPages", "OnePage", "Pagination"]


class OnePage(Spec):
    """One answer holds everything."""

    type: Literal["none"]


class _Pages(Spec):
    limit: Annotated[Count, Field(ge=1)] | None = None
    """How many records to ask for in one page."""
    limit_param: Text = "limit"
    """The parameter that says so; sent where ``limit`` is given."""
    max_pages: Annotated[Count, Field(ge=1)] = 10_000
    """More pages than this fail the step: an API that never ends is told, not read for ever."""


class _CountedPages(_Pages):
    total_path: Dotted | None = None
    """Where an answer says how many records there are in all: keys, joined by dots. So many end it, and fewer fail the
    step. Only where that number is exact."""


class NumberedPages(_CountedPages):
    """Pages have numbers; the first one without records, or a 404 behind the first, ends it."""

    type: Literal["page"]
    page_param: Text = "page"
    """The parameter that holds the number."""
    start: Count = 1
    """The number of the first page."""


class OffsetPages(_CountedPages):
    """Each page begins after as many records as came before it; the first one without records ends it."""

    type: Literal["offset"]
    offset_param: Text = "offset"
    """The parameter that holds how many records to pass over."""


class CursorPages(_Pages):
    """Each answer holds what to ask the next page with; one that holds none ends it."""

    type: Literal["cursor"]
    cursor_path: Dotted
    """Where the next cursor is in an answer: keys, joined by dots."""
    cursor_param: Text
    """The parameter that takes it."""


class LinkedPages(_Pages):
    """Each answer holds the next page's address, on the same host; one that holds none ends it."""

    type: Literal["link"]
    next_path: Dotted | None = None
    """Where the address is in an answer: keys, joined by dots. By default it is the header ``Link`` with
    ``rel="next"``."""


Pagination = Annotated[OnePage | NumberedPages | OffsetPages | CursorPages | LinkedPages, Field(discriminator="type")]
