"""Where the next page is, and when there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataflow.errors import FatalError, TransientError
from kit.api_source import read, refused
from kit.unruly_api import UnrulyApi, says


def test_cursors_are_followed(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(
        says({"items": [{"id": 1}], "meta": {"next": "a b&c"}}),
        says({"items": [], "meta": {"next": 7}}),
        says({"items": [{"id": 2}], "meta": {"next": None}}),
    )
    paging = {"type": "cursor", "cursor_path": "meta.next", "cursor_param": "after", "limit": 1, "limit_param": "size"}

    assert [(1,), (2,)] == read(tmp_path, api, pagination=paging, query={"fixed": True, "many": ["x", 2]})
    first, second, third = [query for _, query, _ in api.asked]
    assert {"fixed": "true", "many": "2", "size": "1"} == first
    assert ("a b&c", "7") == (second["after"], third["after"])


def test_the_same_cursor_twice_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    api.routes["/orders"] = says({"items": [{"id": 1}], "next": "a"})
    paging = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}

    told = refused(tmp_path, api, TransientError, pagination=paging)

    assert (
        "orders: page 2 gives the cursor of next again; it would be read for ever. Where it does so each time, correct "
        "`pagination`" == told
    )
    assert 2 == len(api.asked)


def test_a_full_first_page_without_a_cursor_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    paging = {"type": "cursor", "cursor_path": "meta.nxt", "cursor_param": "after", "limit": 2}

    assert "the first page is full and has no meta.nxt" in refused(tmp_path, api, pagination=paging)


@pytest.mark.parametrize(
    "pages",
    [
        {"type": "cursor", "cursor_path": "meta.next", "cursor_param": "after"},
        {"type": "link", "next_path": "meta.next"},
    ],
)
def test_a_path_to_the_next_page_that_leads_nowhere_is_told(
    tmp_path: Path, api: UnrulyApi, pages: dict[str, str]
) -> None:
    api.next_does(says({"items": [{"id": 1}], "paging": {"next": "2"}}))
    key = "cursor_path" if pages["type"] == "cursor" else "next_path"

    assert refused(tmp_path, api, pagination=pages) == (
        "orders: the first answer has no meta, so nobody can tell whether there are more pages; "
        f"correct pagination.{key}"
    )


def test_offsets_go_by_the_records_that_came(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says({"items": [{"id": 1}, {"id": 2}]}), says({"items": [{"id": 3}]}), says({"items": []}))

    assert [(1,), (2,), (3,)] == read(tmp_path, api, pagination={"type": "offset", "limit": 500})
    assert [("0", "500"), ("2", "500"), ("3", "500")] == [(q["offset"], q["limit"]) for _, q, _ in api.asked]


def test_an_api_that_does_not_know_the_parameter_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    told = refused(tmp_path, api, TransientError, pagination={"type": "page", "page_param": "p"})

    assert "orders: page 2 is the same as the page before it; does the API know 'p'?" == told


def is_not_there(handler: Any) -> None:
    says({"detail": "Invalid page."}, 404)(handler)


def test_a_page_that_is_not_there_ends_numbered_pages(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says({"items": [{"id": 1}]}), says({"items": [{"id": 2}]}), is_not_there)

    assert [(1,), (2,)] == read(tmp_path, api)
    assert 3 == len(api.asked)


def test_a_proxy_that_knows_no_page_does_not_end_them(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says({"items": [{"id": 1}]}), says(b"<html>no such site</html>", 404))

    told = refused(tmp_path, api, TransientError)

    assert "orders: page 2: 127.0.0.1 answered 404, not in JSON as the API does; it says '<html>" in told


@pytest.mark.parametrize(
    ("paging", "answers"),
    [
        ({"type": "page"}, 0),
        ({"type": "offset"}, 1),
        ({"type": "link"}, 1),
        ({"type": "cursor", "cursor_path": "next", "cursor_param": "after"}, 1),
    ],
)
def test_a_first_page_and_a_page_of_another_kind_must_be_there(
    tmp_path: Path, api: UnrulyApi, paging: dict[str, str], answers: int
) -> None:
    first = says({"items": [{"id": 1}], "next": "b"}, headers={"Link": '</orders?page=2>; rel="next"'})
    api.next_does(*[first] * answers, is_not_there)

    told = refused(tmp_path, api, FatalError, pagination=paging)

    assert f"orders: page {answers + 1}: 127.0.0.1 answered 404; it says" in told


TOTAL = {"total_path": "meta.total"}


@pytest.mark.parametrize("kind", ["page", "offset"])
def test_as_many_records_as_there_are_end_it(tmp_path: Path, api: UnrulyApi, kind: str) -> None:
    """Nobody asks for the page behind the last."""
    meta = {"meta": {"total": 3}}
    api.next_does(says({"items": [{"id": 1}, {"id": 2}], **meta}), says({"items": [{"id": 3}], **meta}), is_not_there)

    assert [(1,), (2,), (3,)] == read(tmp_path, api, pagination={"type": kind, **TOTAL})
    assert 2 == len(api.asked)


def test_a_total_of_nothing_ends_it(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says({"items": [], "meta": {"total": 0}}))

    assert [] == read(tmp_path, api, pagination={"type": "page", **TOTAL})


@pytest.mark.parametrize("last", [is_not_there, says({"items": [], "meta": {"total": 3}}), says(b"", 204)])
def test_fewer_records_than_there_are_may_be_more_the_next_time(tmp_path: Path, api: UnrulyApi, last: Any) -> None:
    api.next_does(says({"items": [{"id": 1}, {"id": 2}], "meta": {"total": 3}}), last)

    told = refused(tmp_path, api, TransientError, pagination={"type": "page", **TOTAL})

    assert "orders: page 2 has no records, and 2 of 3 came before it" == told


@pytest.mark.parametrize("meta", [{}, {"meta": {"total": "3"}}, {"meta": {"total": True}}, {"meta": {"total": None}}])
def test_a_total_that_is_no_number_is_told(tmp_path: Path, api: UnrulyApi, meta: dict[str, Any]) -> None:
    api.next_does(says({"items": [{"id": 1}], **meta}))

    told = refused(tmp_path, api, pagination={"type": "page", **TOTAL})

    assert "orders: page 1: meta.total is no number of records; correct pagination.total_path" == told


def test_an_api_without_end_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [[{"id": n}] for n in range(100)]

    told = refused(tmp_path, api, pagination={"type": "page", "max_pages": 5})

    assert "orders: 5 pages and no end; where that is right, raise pagination.max_pages" == told
    assert 5 == len(api.asked)


@pytest.mark.parametrize("whole", [True, False])
def test_links_are_followed_with_the_login(tmp_path: Path, api: UnrulyApi, whole: bool) -> None:
    to = (api.url if whole else "") + "/orders?page=2&q=1"
    api.next_does(says({"items": [{"id": 1}]}, headers={"Link": f'<{to}>; rel="next", </x>; rel="last"'}))
    auth = {"type": "bearer", "token": "t0ken"}

    assert [(1,), (3,)] == read(tmp_path, api, pagination={"type": "link"}, auth=auth, query={"q": "1"})
    assert ["Bearer t0ken"] * 2 == [headers["authorization"] for _, _, headers in api.asked]


def test_links_in_the_answer_are_followed(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says({"items": [{"id": 1}], "links": {"next": "?page=2"}}))

    assert [(1,), (3,)] == read(tmp_path, api, pagination={"type": "link", "next_path": "links.next"})


def test_a_link_that_was_followed_before_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    api.routes["/orders"] = says({"items": [{"id": 1}]}, headers={"Link": '</orders?page=2>; rel="next"'})

    told = refused(tmp_path, api, TransientError, pagination={"type": "link"})

    assert told.startswith("orders: page 2 gives a next page that was read before; it would be read for ever")


def test_a_link_to_another_host_is_refused_and_no_header_arrives_there(tmp_path: Path, api: UnrulyApi) -> None:
    with UnrulyApi() as other:
        api.next_does(says({"items": [{"id": 1}]}, headers={"Link": f'<{other.url}/orders>; rel="next"'}))
        auth = {"type": "bearer", "token": "t0ken"}

        told = refused(tmp_path, api, FatalError, pagination={"type": "link"}, auth=auth)

        assert [] == other.asked
    assert "orders: page 2 is said to be on http://127.0.0.1, another server than 127.0.0.1" in told


def test_a_search_is_posted_with_the_page_in_its_body(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says({"items": [{"id": 1}]}), says({"items": []}))
    paging = {"type": "offset", "offset_param": "paging.from", "limit": 10, "limit_param": "paging.size"}

    rows = read(tmp_path, api, method="POST", body={"filter": {"a": [1]}, "paging": {"sort": "id"}}, pagination=paging)

    assert [(1,)] == rows
    assert b'{"filter":{"a":[1]},"paging":{"sort":"id","from":1,"size":10}}' == api.bodies[1]
