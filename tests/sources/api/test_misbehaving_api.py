"""Servers that misbehave: bounded time, a clear error, nothing landed, no secret told."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from dataflow.errors import ContractError, FatalError, StepError, TransientError
from dataflow.masking import keep_secret
from kit.api_source import api_source, read, refused
from kit.ingest import ingest_source
from kit.unruly_api import UnrulyApi, breaks_off, busy, drips, hangs, redirects, says


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
            says(b"\xef\xbb\xbf\n<html>Log in</html>", kind="text/html; charset=utf-8"),
            TransientError,
            "orders: page 1: a web page instead of JSON, often of a proxy, a login or an error; it begins with",
        ),
        (says(b"<html>Caf\xe9</html>"), TransientError, "a web page instead of JSON"),
        (says(b"no healthy upstream", kind="text/plain"), TransientError, "it begins with 'no healthy upstream'"),
        (says(b"\x80\x81"), TransientError, "the answer is something else than JSON"),
        (says(b""), TransientError, "the answer is empty; an API that has no records says so, or answers 204"),
        (says(b'{"items": [{"id": NaN}]}'), ContractError, "the answer is no JSON (JSON is malformed"),
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


def test_a_secret_that_an_answer_repeats_is_masked_though_it_is_cut(tmp_path: Path, api: UnrulyApi) -> None:
    secret = "sk_" + "a1b2c3" * 30
    keep_secret(secret)
    api.next_does(says({"error": f"invalid key: {secret}"}, 401))

    told = refused(tmp_path, api, FatalError)

    assert "invalid key: ***" in told
    assert secret[:20] not in told


def test_an_address_within_is_refused(tmp_path: Path, api: UnrulyApi) -> None:
    with pytest.raises(FatalError, match="name it in DATAFLOW_ALLOWED_HOSTS"):
        ingest_source(tmp_path, api_source(api), allowed_hosts="")

    assert [] == api.asked


def test_a_redirect_to_another_host_is_refused(tmp_path: Path, api: UnrulyApi) -> None:
    with UnrulyApi() as other:
        api.next_does(redirects(other.url))

        assert "which is not asked" in refused(tmp_path, api, FatalError)
        assert [] == other.asked
