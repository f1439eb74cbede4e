"""What to ask next. An API that never ends, or gives the same again, is told and not read for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from dataflow.errors import ContractError, TransientError
from dataflow.sources.api.page import MISSING, Page
from dataflow.spec.sources.paging import CursorPages, LinkedPages, NumberedPages, OffsetPages, OnePage, Pagination

__all__ = ["Ask", "Pager"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One page that is asked for."""

    params: Mapping[str, str | int] = field(default_factory=dict)
    """Beside those of the source."""
    url: str | None = None
    """Where the API said it is, whole; None for the source's own address."""


@dataclass(slots=True)
class Pager:
    """Follows one source from page to page."""

    pages: Pagination
    place: str
    """How messages name the source."""
    records: int = 0
    """Seen so far."""
    _seen: set[str] = field(default_factory=set)
    _last: int | None = None
    _total: int | None = None

    def first(self) -> Ask:
        """Give the first page to ask for."""
        match self.pages:
            case NumberedPages(page_param=param, start=start):
                return Ask({param: start, **self._limit()})
            case OffsetPages(offset_param=param):
                return Ask({param: 0, **self._limit()})
        return Ask(self._limit())

    def after(self, page: Page) -> Ask | None:
        """Give the page that comes after; None when it was the last.

        Raises:
            ContractError: when it gives more pages than are allowed, or does not say where the next one is.
            TransientError: when fewer records came than it says there are. Also when it gives the same page, cursor or
                address again: a cache between us that is behind does
                so, too, and where it is the config the next tries say the same.
        """
        self.records += page.count
        following = self._following(page)
        if following is not None and not isinstance(self.pages, OnePage) and page.number >= self.pages.max_pages:
            raise ContractError(
                f"{self.place}: {page.number} pages and no end; where that is right, raise pagination.max_pages"
            )
        return following

    def _following(self, page: Page) -> Ask | None:
        match self.pages:
            case NumberedPages(page_param=param, start=start):
                number = start + page.number
                return Ask({param: number, **self._limit()}) if self._is_another(page, param) else None
            case OffsetPages(offset_param=param):
                return Ask({param: self.records, **self._limit()}) if self._is_another(page, param) else None
            case CursorPages(cursor_path=path, cursor_param=param):
                cursor = self._cursor(page, path)
                return None if cursor is None else Ask({param: cursor, **self._limit()})
            case LinkedPages():
                url = self._link(page)
                return None if url is None else Ask(url=url)
        return None

    def _limit(self) -> dict[str, str | int]:
        pages = self.pages
        return {} if isinstance(pages, OnePage) or pages.limit is None else {pages.limit_param: pages.limit}

    def _is_another(self, page: Page, param: str) -> bool:
        """Tell whether there is one more; a shorter page is no end, for servers give less than was asked for.

        Without a total the first page without records is the last.
        """
        self._look_for_total(page)
        if not page.count and self._total is not None and self.records < self._total:
            raise TransientError(
                f"{self.place}: page {page.number} has no records, and {self.records} of {self._total} came before it"
            )
        if not page.count or (self._total is not None and self.records >= self._total):
            return False
        digest = hash(page.lines)
        if digest == self._last:
            raise TransientError(
                f"{self.place}: page {page.number} is the same as the page before it; does the API know {param!r}?"
            )
        self._last = digest
        return True

    def _look_for_total(self, page: Page) -> None:
        path = self.pages.total_path if isinstance(self.pages, (NumberedPages, OffsetPages)) else None
        if path is None:
            return
        total: Any = page.at(path)
        if total is MISSING and not page.count and page.number > 1:
            return  # behind the last page there may be no answer at all
        if not isinstance(total, int) or isinstance(total, bool):
            raise ContractError(
                f"{self.place}: page {page.number}: {path} is no number of records; correct pagination.total_path"
            )
        self._total = total

    def _cursor(self, page: Page, path: str) -> str | int | None:
        cursor: str | int | None = page.at(path)
        limit = None if isinstance(self.pages, OnePage) else self.pages.limit
        if cursor is MISSING and page.number == 1 and limit is not None and page.count >= limit:
            raise ContractError(
                f"{self.place}: the first page is full and has no {path}, so nobody can ask for the next; correct "
                "pagination.cursor_path"
            )
        if cursor is MISSING:
            self._must_have_parent(page, path, "pagination.cursor_path")
        if cursor is MISSING or cursor is None or cursor is False or cursor == "":
            return None
        if not isinstance(cursor, (str, int)) or cursor is True:
            raise ContractError(f"{self.place}: page {page.number}: {path} is no cursor: text or a number is one")
        self._must_be_new(str(cursor), f"gives the cursor of {path} again", page)
        return cursor

    def _link(self, page: Page) -> str | None:
        path = self.pages.next_path if isinstance(self.pages, LinkedPages) else None
        link: Any = page.link if path is None else page.at(path)
        if path is not None and link is MISSING:
            self._must_have_parent(page, path, "pagination.next_path")
        if link is MISSING or not link:
            return None
        if not isinstance(link, str):
            raise ContractError(f"{self.place}: page {page.number}: {path} is no address")
        url = urljoin(page.url, link)
        self._must_be_new(url, "gives a next page that was read before", page)
        return url

    def _must_have_parent(self, page: Page, path: str, key: str) -> None:
        """Tell a mistyped path from an API that leaves the last key out when there is no more."""
        parent = path.rpartition(".")[0]
        if page.number == 1 and page.count and parent and page.at(parent) is MISSING:
            raise ContractError(
                f"{self.place}: the first answer has no {parent}, so nobody can tell whether there are more pages; "
                f"correct {key}"
            )

    def _must_be_new(self, what: str, told: str, page: Page) -> None:
        if what in self._seen:
            raise TransientError(
                f"{self.place}: page {page.number} {told}; it would be read for ever. Where it does so each time, "
                "correct `pagination`"
            )
        self._seen.add(what)
