from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dataflow.errors import ContractError, FatalError, StepError, TransientError
from dataflow.interval import Interval
from dataflow.masking import keep_secret, masked
from kit.ingest import ingest_source, landed
from kit.unruly_api import UnrulyApi, breaks_off, busy, drips, hangs, redirects, says, zipped

NUMBERED = {"type": "page"}


@pytest.fixture
def api() -> Iterator[UnrulyApi]:
    with UnrulyApi() as server:
        yield server


def api_source(api: UnrulyApi, **keys: Any) -> dict[str, Any]:
    usual = {"type": "api", "url": f"{api.url}/orders", "records": "items", "pagination": NUMBERED}
    return {**usual, "columns": {"id": "BIGINT"}, **keys}


def read(root: Path, api: UnrulyApi, **keys: Any) -> list[tuple[Any, ...]]:
    return landed(ingest_source(root, api_source(api, **keys)))


def refused(root: Path, api: UnrulyApi, kind: type[StepError] = ContractError, **keys: Any) -> str:
    with pytest.raises(kind) as caught:
        read(root, api, **keys)
    assert not list((root / "landing").rglob("*.parquet")), "nothing is landed"
    return str(caught.value)


def test_every_page_is_read(tmp_path: Path, api: UnrulyApi) -> None:
    assert [(1,), (2,), (3,)] == read(tmp_path, api)
    assert ["1", "2", "3"] == [query["page"] for _, query, _ in api.asked]


def test_one_answer_may_be_the_list_itself(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says([{"id": 7}]))

    assert [(7,)] == read(tmp_path, api, records=None, pagination={"type": "none"})


def test_records_are_read_however_they_are_laid_out(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says(b'\xef\xbb\xbf{"items":\r\n [\n {"id":\n 7, "note": "a\\nb"} ,\n\n{ "id" : 8 }\n]\n}\n'))

    assert [(7, "a\nb"), (8, None)] == read(
        tmp_path, api, pagination={"type": "none"}, columns={"id": "BIGINT", "note": "VARCHAR"}
    )


def test_values_are_taken_by_path(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [
        [
            {"id": 1, "contact": {"email": "a@example.com", "tags": ["x", "y"]}, "a/b": {"~": 5}},
            {"id": 2, "contact": None},
            {"id": 3, "contact": {"email": None, "tags": None}},
            {"id": 4, "contact": "none"},
        ]
    ]
    columns = {
        "id": "BIGINT",
        "email": {"type": "VARCHAR", "path": "contact.email"},
        "tags": {"type": "JSON", "path": "contact.tags"},
        "second": {"type": "VARCHAR", "path": "contact.tags.1"},
        "odd": {"type": "INTEGER", "path": "a/b.~"},
        "contact": "JSON",
    }

    rows = read(tmp_path, api, columns=columns)

    assert (1, "a@example.com", '["x","y"]', "y", 5) == rows[0][:5]
    assert (2, None, None, None, None, None) == rows[1]
    assert (3, None, None, None, None, '{"email":null,"tags":null}') == rows[2]
    assert (4, None, None, None, None, '"none"') == rows[3]


def test_a_wide_decimal_keeps_every_digit(tmp_path: Path, api: UnrulyApi) -> None:
    amount, note = "12345678901234567.89", r'"1.50 \"2.5\" e5"'
    body = f'{{"items": [{{"id": 1, "amount": {amount}, "note": {note}}}, {{"id": 2e0, "amount": 1.5}}]}}'
    api.next_does(says(body.encode()))

    rows = read(
        tmp_path,
        api,
        pagination={"type": "none"},
        columns={"id": "BIGINT", "amount": "DECIMAL(20,2)", "note": "VARCHAR"},
    )

    assert [(1, Decimal("12345678901234567.89"), '1.50 "2.5" e5'), (2, Decimal("1.50"), None)] == rows


def test_a_path_that_no_record_has_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [[{"id": 1, "contact": {"mail": "x"}}]]

    told = refused(tmp_path, api, columns={"email": {"type": "VARCHAR", "path": "contact.email"}})

    assert 'orders: no "contact.email" for the column "email"; records have "contact", "id"' == told


def test_a_column_that_no_record_has_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    told = refused(tmp_path, api, columns={"Id": "BIGINT"})

    assert 'orders: no column "Id"; found "id"; did you mean "id"?' == told


def test_an_answer_without_records_lands_no_rows(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = []

    assert [] == read(tmp_path, api)


@pytest.mark.parametrize("behaviour", [says({"items": None}), says(b"", 204)])
def test_null_and_no_content_are_no_rows(tmp_path: Path, api: UnrulyApi, behaviour: Any) -> None:
    api.next_does(behaviour)

    assert [] == read(tmp_path, api)


def test_a_column_that_goes_missing_on_page_seven_is_null_from_there(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [[{"id": n, "name": "x"}] for n in range(6)] + [[{"id": 6, "other": 1}]]

    rows = read(tmp_path, api, columns={"id": "BIGINT", "name": "VARCHAR"})

    assert [(5, "x"), (6, None)] == rows[5:]


def test_a_value_that_does_not_fit_on_page_seven_is_told_with_page_and_record(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [[{"id": 2 * n}, {"id": 2 * n + 1}] for n in range(6)] + [[{"id": 12}, {"id": "zz"}]]

    told = refused(tmp_path, api)

    assert (
        "orders: page 7, record 2: column \"id\": 'zz' is not a BIGINT; mend the data or declare another type" == told
    )


def test_a_record_that_is_no_object_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [[{"id": 1}], [{"id": 2}, 5]]

    assert "orders: page 2, record 2: it is a number, and a record is an object" == refused(tmp_path, api)


def misbehaviours(api: UnrulyApi) -> dict[str, list[Any]]:
    return {
        "429 with Retry-After": [busy(429)],
        "503 twice": [busy(), busy()],
        "a body that breaks off": [breaks_off],
        "nothing at all": [hangs(api.released)],
        "all of it": [busy(429), breaks_off, busy(500), busy(408)],
    }


@pytest.mark.parametrize(
    "how", ["429 with Retry-After", "503 twice", "a body that breaks off", "nothing at all", "all of it"]
)
@pytest.mark.parametrize("page", [1, 2])
def test_a_server_that_behaves_again_gives_exactly_the_right_rows(
    tmp_path: Path, api: UnrulyApi, how: str, page: int
) -> None:
    if page == 2:
        api.next_does(says({"items": api.pages[0]}))
    api.next_does(*misbehaviours(api)[how])

    assert [(1,), (2,), (3,)] == read(tmp_path, api, timeout={"read": "1s"})


@pytest.mark.parametrize(
    ("behaviour", "kind", "told"),
    [
        (busy(503), TransientError, "orders: page 1: 127.0.0.1 answered 503 each time; it says 'busy'"),
        (breaks_off, TransientError, "orders: page 1: no whole answer of 127.0.0.1 (RemoteProtocolError"),
        (says(b'{"items": [{"id": 1'), TransientError, "orders: page 1: the answer ends in the middle, after 19 bytes"),
        (says({"error": "gone"}, 410), FatalError, 'orders: page 1: 127.0.0.1 answered 410; it says \'{"error"'),
        (
            says(b"<html>Log in</html>", kind="text/html; charset=utf-8"),
            ContractError,
            "a web page (text/html) instead",
        ),
        (says(b"<html>Log in</html>"), ContractError, "the answer is no JSON (JSON is malformed: invalid character"),
        (says(b"id,name\n1,x\n"), ContractError, "it begins with 'id,name 1,x'"),
        (says(b""), ContractError, "it is empty"),
        (says(b'{"items": "\xff"}'), ContractError, "the answer is not UTF-8 (byte 11)"),
        (
            says({"data": [], "meta": 1}),
            ContractError,
            "the answer has no items; there is data, meta. Correct `records`",
        ),
        (
            says({"items": {"a": 1}}),
            ContractError,
            "items is an object, not a list of records; there is a. Here correct",
        ),
        (says([1]), ContractError, "the answer has no items; there is '[1]'. Correct `records`"),
    ],
)
def test_what_is_no_page_is_told_and_nothing_is_landed(
    tmp_path: Path, api: UnrulyApi, behaviour: Any, kind: type[StepError], told: str
) -> None:
    api.next_does(behaviour)

    assert told in refused(tmp_path, api, kind, max_retries=0)


def test_without_records_an_object_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    told = refused(tmp_path, api, records=None)

    expected = "orders: page 1: the answer is an object, not a list of records; there is items. "
    assert f"{expected}Here say in `records` where in it they are" == told


def test_a_failure_on_a_later_page_lands_nothing(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says({"items": api.pages[0]}), says({"oops": 1}, 400))

    assert "orders: page 2: 127.0.0.1 answered 400" in refused(tmp_path, api, FatalError)


def test_a_server_that_hangs_is_told_in_time(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(hangs(api.released))
    began = time.monotonic()

    told = refused(tmp_path, api, TransientError, timeout={"read": "1s"}, max_retries=0)

    assert "orders: page 1: no whole answer of 127.0.0.1 (ReadTimeout" in told
    assert time.monotonic() - began < 10


def test_all_pages_together_have_their_time(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(*[drips(api.released)] * 3)
    began = time.monotonic()

    told = refused(tmp_path, api, TransientError, timeout={"total": "1s"})

    assert "orders: page 1: not done within 1s; raise timeout.total, or ask for less" == told
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_refused_is_told_by_which_login_and_no_secret(tmp_path: Path, api: UnrulyApi, status: int) -> None:
    api.next_does(says({"error": "swordfish-token is not known"}, status))
    from dataflow.masking import keep_secret

    keep_secret("swordfish-token")
    told = refused(tmp_path, api, FatalError, auth={"type": "bearer", "token": "swordfish-token"})

    assert f"orders: page 1: 127.0.0.1 refuses us ({status}) with auth of type bearer; check what it is set to" in told
    assert "swordfish" not in told


# -- where the next page is ------------------------------------------------------------------------------------------


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

    told = refused(tmp_path, api, pagination=paging)

    assert "orders: page 2 gives the cursor of next again; it would be read for ever" == told
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


def test_a_secret_that_an_answer_repeats_is_masked_though_it_is_cut(tmp_path: Path, api: UnrulyApi) -> None:
    secret = "sk_" + "a1b2c3" * 30
    keep_secret(secret)
    api.next_does(says({"error": f"invalid key: {secret}"}, 401))

    told = refused(tmp_path, api, FatalError)

    assert "invalid key: ***" in told
    assert secret[:20] not in told


def test_offsets_go_by_the_records_that_came(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says({"items": [{"id": 1}, {"id": 2}]}), says({"items": [{"id": 3}]}), says({"items": []}))

    assert [(1,), (2,), (3,)] == read(tmp_path, api, pagination={"type": "offset", "limit": 500})
    assert [("0", "500"), ("2", "500"), ("3", "500")] == [(q["offset"], q["limit"]) for _, q, _ in api.asked]


def test_an_api_that_does_not_know_the_parameter_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    told = refused(tmp_path, api, pagination={"type": "page", "page_param": "p"})

    assert "orders: page 2 is the same as the page before it; does the API know 'p'?" == told


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

    told = refused(tmp_path, api, pagination={"type": "link"})

    assert "orders: page 2 gives a next page that was read before; it would be read for ever" == told


def test_a_link_to_another_host_is_refused_and_no_header_arrives_there(tmp_path: Path, api: UnrulyApi) -> None:
    with UnrulyApi() as other:
        api.next_does(says({"items": [{"id": 1}]}, headers={"Link": f'<{other.url}/orders>; rel="next"'}))
        auth = {"type": "bearer", "token": "t0ken"}

        told = refused(tmp_path, api, FatalError, pagination={"type": "link"}, auth=auth)

        assert [] == other.asked
    assert "orders: page 2 is said to be on http://127.0.0.1, another server than 127.0.0.1" in told


def test_a_redirect_to_another_host_is_refused(tmp_path: Path, api: UnrulyApi) -> None:
    with UnrulyApi() as other:
        api.next_does(redirects(other.url))

        assert "which is not asked" in refused(tmp_path, api, FatalError)
        assert [] == other.asked


def test_an_address_within_is_refused(tmp_path: Path, api: UnrulyApi) -> None:
    with pytest.raises(FatalError, match="name it in DATAFLOW_ALLOWED_HOSTS"):
        ingest_source(tmp_path, api_source(api), allowed_hosts="")

    assert [] == api.asked


def test_a_search_is_posted_with_the_page_in_its_body(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says({"items": [{"id": 1}]}), says({"items": []}))
    paging = {"type": "offset", "offset_param": "paging.from", "limit": 10, "limit_param": "paging.size"}

    rows = read(tmp_path, api, method="POST", body={"filter": {"a": [1]}, "paging": {"sort": "id"}}, pagination=paging)

    assert [(1,)] == rows
    assert b'{"filter":{"a":[1]},"paging":{"sort":"id","from":1,"size":10}}' == api.bodies[1]


# -- logging in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "bearer", "token": "t0ken\n"}, "authorization", "Bearer t0ken"),
        ({"type": "basic", "username": "ada", "password": "lovelace"}, "authorization", "Basic YWRhOmxvdmVsYWNl"),
        ({"type": "api_key", "value": "k3y"}, "x-api-key", "k3y"),
        ({"type": "api_key", "name": "X-Key", "value": "k3y", "in": "header"}, "x-key", "k3y"),
    ],
)
def test_each_login_goes_with_every_request(
    tmp_path: Path, api: UnrulyApi, auth: dict[str, str], header: str, value: str
) -> None:
    read(tmp_path, api, auth=auth, headers={"Accept": "application/vnd.shop+json", "X-Tenant": "acme"})

    assert [value] * 3 == [headers[header] for _, _, headers in api.asked]
    assert {("application/vnd.shop+json", "acme")} == {(h["accept"], h["x-tenant"]) for _, _, h in api.asked}


def test_a_key_in_the_query_goes_with_every_request_once(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(busy())

    read(tmp_path, api, auth={"type": "api_key", "name": "key", "value": "k&y", "in": "query"})

    assert ["k&y"] * 4 == [query["key"] for _, query, _ in api.asked]


def test_name_and_password_are_masked_together(tmp_path: Path, api: UnrulyApi) -> None:
    read(tmp_path, api, auth={"type": "basic", "username": "ada", "password": "enigma"})

    assert "Basic ***" in masked("sent Basic YWRhOmVuaWdtYQ==")


@pytest.mark.parametrize("value", ["line\nbreak", "clé", "a\x00b"])
def test_what_no_header_can_hold_is_told_and_not_shown(tmp_path: Path, api: UnrulyApi, value: str) -> None:
    told = refused(tmp_path, api, FatalError, auth={"type": "bearer", "token": value})

    assert "sources.orders.auth.token holds a line break or a letter that no header can hold" in told
    assert value not in told


def oauth2(api: UnrulyApi, **keys: str) -> dict[str, str]:
    return {
        "type": "oauth2",
        "token_url": f"{api.url}/token",
        "client_id": "shop",
        "client_secret": "s3same-open",
        "scope": "read orders",
        **keys,
    }


def test_a_token_is_asked_for_once(tmp_path: Path, api: UnrulyApi) -> None:
    api.routes["/token"] = says({"access_token": "fresh-token", "expires_in": 3600})

    assert [(1,), (2,), (3,)] == read(tmp_path, api, auth=oauth2(api))
    assert ["/token", "/orders", "/orders", "/orders"] == [path for path, _, _ in api.asked]
    assert b"grant_type=client_credentials&scope=read+orders" == api.bodies[0]
    assert ["Bearer fresh-token"] * 3 == [headers["authorization"] for _, _, headers in api.asked[1:]]
    assert "***" == masked("fresh-token")


def test_a_server_that_wants_the_login_in_the_body_gets_it(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says({"error": "invalid_client"}, 401))
    api.routes["/token"] = says({"access_token": "fresh-token"})

    assert 3 == len(read(tmp_path, api, auth=oauth2(api)))
    assert b"client_secret=s3same-open" in api.bodies[1]


def test_a_token_that_is_refused_later_is_renewed_once(tmp_path: Path, api: UnrulyApi) -> None:
    api.routes["/token"] = says({"access_token": "fresh-token"})
    api.next_does(
        says({"access_token": "old-token", "expires_in": 3600}),
        says({"items": [{"id": 1}]}),
        says({"error": "expired"}, 401),
        says({"access_token": "new-token", "expires_in": 3600}),
    )

    assert [(1,), (3,)] == read(tmp_path, api, auth=oauth2(api))
    assert "Bearer new-token" == api.asked[-1][2]["authorization"]


def test_a_token_that_ends_is_asked_for_again_in_time(tmp_path: Path, api: UnrulyApi) -> None:
    from dataflow.sources.api import login

    api.routes["/token"] = says({"access_token": "short-token", "expires_in": login.EARLY_SECONDS})
    api.next_does(says({"access_token": "first-token", "expires_in": -1}))
    api.pages = [[{"id": n}] for n in range(3)]

    assert 3 == len(read(tmp_path, api, auth=oauth2(api), rate_limit="2/s"))
    assert [path for path, _, _ in api.asked].count("/token") >= 2


@pytest.mark.parametrize("answer", [says({"error": "invalid_scope"}, 400), says({"token": "x"}), says(b"[]")])
def test_no_token_is_told_without_the_secret(tmp_path: Path, api: UnrulyApi, answer: Any) -> None:
    api.routes["/token"] = answer

    told = refused(tmp_path, api, FatalError, auth=oauth2(api))

    assert "sources.orders.auth: 127.0.0.1 gave no token" in told
    assert "s3same" not in told


def connected(api: UnrulyApi, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    import json

    given = {"conn_type": "http", "host": api.url, **fields}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_API", json.dumps(given))


def test_a_connection_says_host_and_login(tmp_path: Path, api: UnrulyApi, monkeypatch: pytest.MonkeyPatch) -> None:
    connected(api, monkeypatch, login="ada", password="lovelace", extra={"X-Tenant": "acme-secret"})

    assert 3 == len(read(tmp_path, api, url="/orders", connection="shop_api"))
    assert {("Basic YWRhOmxvdmVsYWNl", "acme-secret")} == {
        (headers["authorization"], headers["x-tenant"]) for _, _, headers in api.asked
    }
    assert "***" == masked("acme-secret")


def test_a_password_alone_is_a_token(tmp_path: Path, api: UnrulyApi, monkeypatch: pytest.MonkeyPatch) -> None:
    connected(api, monkeypatch, password="t0ken-of-conn")

    read(tmp_path, api, connection="shop_api")

    assert "Bearer t0ken-of-conn" == api.asked[0][2]["authorization"]


def test_a_connections_login_goes_to_no_other_host(
    tmp_path: Path, api: UnrulyApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(api, monkeypatch, host="https://api.example.com", password="t0ken-of-conn")

    told = refused(tmp_path, api, FatalError, connection="shop_api")

    assert "is for api.example.com, not for 127.0.0.1" in told
    assert [] == api.asked


# -- how much and how fast -------------------------------------------------------------------------------------------


def test_zipped_answers_are_read(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(zipped({"items": [{"id": 9}]}))

    assert [(9,)] == read(tmp_path, api, pagination={"type": "none"})


def test_requests_keep_the_rate(tmp_path: Path, api: UnrulyApi) -> None:
    read(tmp_path, api, rate_limit="10/s")

    assert api.moments[-1] - api.moments[0] >= 0.2 * 0.9


def test_only_the_range_is_landed(tmp_path: Path, api: UnrulyApi) -> None:
    days = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))
    api.pages = [[{"id": 1, "at": "2025-01-01T10:00:00Z"}, {"id": 2, "at": "2025-01-03T10:00:00Z"}]]
    columns = {"id": "BIGINT", "at": "TIMESTAMPTZ"}

    manifest = ingest_source(
        tmp_path, api_source(api, columns=columns, incremental={"cursor": "at"}), cursor=days, window=days
    )

    assert [(1,)] == landed(manifest, "id")


def test_how_far_we_are_is_told(tmp_path: Path, api: UnrulyApi, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        read(tmp_path, api)

    assert "orders: 3 pages, 3 records, 0.0 MB" in caplog.messages


@pytest.mark.slow
def test_ten_times_the_pages_take_no_more_memory(tmp_path: Path) -> None:
    """What Python holds at most while pages are read; DuckDB's own memory is bounded by its settings.

    The server is of the same process, so its threads' answers count too; the 180 pages more are 41 MB.
    """
    few, many = (_peak_of(tmp_path / str(pages), pages) for pages in (20, 200))

    assert many < few + 8_000_000, f"{few} bytes for 20 pages, {many} for 200"


def _peak_of(folder: Path, pages: int) -> int:
    import tracemalloc

    page = [{"id": n, "text": "x" * 200} for n in range(1000)]
    with UnrulyApi() as api:

        def serve(handler: Any) -> None:
            following = {} if len(api.asked) == pages else {"next": len(api.asked)}
            says({"items": page, **following})(handler)

        api.routes["/orders"] = serve
        folder.mkdir()
        paging = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
        tracemalloc.start()
        try:
            manifest = ingest_source(folder, api_source(api, pagination=paging, columns={"id": "BIGINT"}))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert pages * 1000 == manifest.rows
    return peak
