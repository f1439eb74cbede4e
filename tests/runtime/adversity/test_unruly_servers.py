"""A server that misbehaves ends a try in time and changes nothing; once it behaves, the next gives the right rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import duckdb
import pytest

from dataflow.ops.history import open_history
from dataflow.runtime.local.resume import resume_from
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.result import RunResult
from dataflow.warehouse.snapshot import current_snapshot
from kit.project import DAILY, Project
from kit.runs import days
from kit.unruly_api import Behaviour, UnrulyApi, breaks_off, busy, hangs, redirects, says

PAGES = 7
PAGING = {
    "page": {"type": "page"},
    "cursor": {"type": "cursor", "cursor_path": "next", "cursor_param": "page"},
    "link": {"type": "link", "next_path": "link"},
}


class Orders:
    """A server of seven pages of two orders, which does something else at one page where it is told, and a house."""

    def __init__(self, project: Project, api: UnrulyApi, within: UnrulyApi) -> None:
        self.project, self.api, self.within = project, api, within
        self.misbehaves: dict[int, Behaviour] = {}
        self.amount = 1
        api.routes["/orders"] = self._serve
        api.routes["/orders.csv"] = self._serve_file

    def page(self, number: int) -> dict[str, Any]:
        items = [{"id": 2 * number + each, "amount": self.amount} for each in (0, 1)] if number <= PAGES else []
        following = number + 1 if number < PAGES else None
        return {"items": items, "next": following, "link": f"/orders?page={following}" if following else None}

    def rows(self) -> list[tuple[int, int]]:
        return [(number, self.amount) for number in range(2, 2 * PAGES + 2)]

    def uses(self, paging: str) -> None:
        """Write the workflow: an API with this paging, or a file."""
        source = {"columns": {"id": "BIGINT", "amount": "BIGINT"}}
        if paging == "file":
            source |= {"type": "file", "format": "csv", "path": f"{self.api.url}/orders.csv"}
        else:
            source |= {"type": "api", "url": f"{self.api.url}/orders", "records": "items", "max_retries": 1}
            source |= {"timeout": {"read": "1s", "total": "10s"}, "pagination": PAGING[paging]}
            source |= {"auth": {"type": "bearer", "token": "${ORDERS_TOKEN}"}}
        load = {"orders": {"mode": "replace"}}
        self.project.write_workflow("shop", {**DAILY, "sources": {"orders": source}, "load": load})

    def run(self, day: int, *, again: bool = False) -> RunResult:
        """Run a day's window; ``again`` is the next try of the run that was, as when its task is cleared."""
        workflow, settings, window = self.project.workflow("shop"), self.project.settings(), days(day, day + 1)
        earlier = resume_from(open_history(settings.ops), workflow, step="ingest", window=window) if again else None
        return run_workflow(workflow, settings=settings, window=window, earlier=earlier)

    def published(self) -> tuple[str, list[tuple[int, int]]] | None:
        """Give the version that is published, and its rows."""
        snapshot = current_snapshot(self.project.settings(), "shop")
        if snapshot is None:
            return None
        with duckdb.connect(str(snapshot.database), read_only=True) as opened:
            return str(snapshot.database), opened.execute("select id, amount from orders order by all").fetchall()

    def _serve(self, handler: Any) -> None:
        number = int(dict(parse_qsl(urlsplit(handler.path).query)).get("page", 1))
        self.misbehaves.get(number, says(self.page(number)))(handler)

    def _serve_file(self, handler: Any) -> None:
        lines = "".join(f"{number},{amount}\n" for number, amount in self.rows())
        self.misbehaves.get(1, says(f"id,amount\n{lines}".encode(), kind="text/csv"))(handler)


@pytest.fixture
def orders(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orders]:
    monkeypatch.setenv("ORDERS_TOKEN", "a-token-of-orders")
    with UnrulyApi() as api, UnrulyApi(at="127.0.0.2") as within:
        yield Orders(project, api, within)


MAINTENANCE = says(b"<!doctype html><p>Down for maintenance", kind="text/html")
ELSEWHERE = {"items": [{"id": 6, "amount": 1}, {"id": 7, "amount": 1}]}
CASES: dict[str, tuple[str, int, Callable[[Orders], Behaviour], str]] = {
    "429": ("page", 4, lambda _: busy(429), "answered 429 each time"),
    "503": ("page", 4, lambda _: busy(503), "answered 503 each time"),
    "a body that breaks off": ("page", 4, lambda _: breaks_off, "no whole answer"),
    "a text that breaks off": ("page", 4, lambda _: says(b'{"items": [{"id": 8'), "the answer ends in the middle"),
    "a web page": ("page", 4, lambda _: MAINTENANCE, "a web page instead of JSON"),
    "an empty answer": ("page", 4, lambda _: says(b""), "the answer is empty"),
    "silence": ("page", 4, lambda each: hangs(each.api.released), "no whole answer"),
    "the same page twice": ("page", 4, lambda each: says(each.page(3)), "is the same as the page before it"),
    "the same cursor twice": (
        "cursor",
        4,
        lambda each: says(each.page(4) | {"next": 4}),
        "gives the cursor of next again",
    ),
    "a next page elsewhere": (
        "link",
        3,
        lambda each: says(ELSEWHERE | {"link": f"{each.within.url}/orders?page=4"}),
        "another server than 127.0.0.1",
    ),
    "a redirect within": ("page", 4, lambda each: redirects(f"{each.within.url}/orders?page=4"), "which is not asked"),
    "another schema on page 7": (
        "page",
        7,
        lambda _: says({"items": [{"id": "A-14", "amount": 1}, {"id": "A-15", "amount": 1}]}),
        "orders: page 7, record 1: column \"id\": 'A-14' is not a BIGINT",
    ),
    "a web page for a file": ("file", 1, lambda _: MAINTENANCE, "a web page, not data"),
    "an empty file": ("file", 1, lambda _: says(b"", kind="text/csv"), "nothing came, not even a header"),
    "a file's redirect within": ("file", 1, lambda each: redirects(f"{each.within.url}/orders.csv"), "is not asked"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_misbehaving_server_changes_nothing_and_the_next_try_gives_exactly_the_right_rows(
    orders: Orders, case: str
) -> None:
    paging, page, what, told = CASES[case]
    orders.uses(paging)
    versions = [orders.published()]
    for day in (0, 1):
        orders.amount = day + 1
        orders.misbehaves = {page: what(orders)}
        began = time.monotonic()

        failed = orders.run(day)

        assert ("failed", "ingest.orders") == (failed.status, failed.failed_step)
        assert told in (failed.error or "")
        assert time.monotonic() - began < 20
        assert versions[-1] == orders.published(), "what was published is as it was"
        assert [] == orders.within.asked
        assert "a-token-of-orders" not in (failed.error or "")

        orders.misbehaves = {}
        mended = orders.run(day, again=True)

        assert ("success", failed.run_id) == (mended.status, mended.run_id), mended.error
        version = orders.published()
        assert version is not None
        assert orders.rows() == version[1]
        versions.append(version)
