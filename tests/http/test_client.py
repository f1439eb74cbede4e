from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dataflow.errors import FatalError
from dataflow.http.client import Client, is_same_origin
from dataflow.http.network import Deadline
from dataflow.http.policy import HostPolicy, HostRefused
from kit.unruly_api import UnrulyApi, breaks_off, busy, drips, hangs, redirects, says

HERE = HostPolicy.parse("127.0.0.1")
LOG = logging.getLogger("dataflow.test")


@pytest.fixture
def api() -> Iterator[UnrulyApi]:
    with UnrulyApi() as server:
        yield server


def open_client(**given: object) -> Client:
    return Client(LOG, **{"policy": HERE, "pause": lambda _: None, **given})  # type: ignore[arg-type]


def test_a_busy_server_is_asked_again_and_the_log_does_not_say_what(
    api: UnrulyApi, caplog: pytest.LogCaptureFixture
) -> None:
    api.next_does(busy(503), busy(429))

    with open_client() as client, caplog.at_level(logging.INFO):
        assert 200 == client.get(f"{api.url}/orders?other=hidden").status_code

    assert 3 == len(api.asked)
    told = [message for message in caplog.messages if message.startswith("GET 127.0.0.1: answered 503; again in 0.")]
    assert told[0].endswith(" s (retry 1 of 3)")
    assert not any("hidden" in message for message in caplog.messages)


def test_the_last_answer_of_a_server_that_stays_busy_is_given(api: UnrulyApi) -> None:
    api.next_does(*[busy()] * 9)

    with open_client(max_retries=2) as client:
        assert 503 == client.get(api.url).status_code

    assert 3 == len(api.asked)


def test_what_would_be_done_twice_is_sent_once(api: UnrulyApi) -> None:
    api.next_does(busy())

    with open_client() as client:
        assert 503 == client.post(api.url).status_code

    assert 1 == len(api.asked)


def test_a_post_that_only_searches_is_sent_again_with_its_body(api: UnrulyApi) -> None:
    api.next_does(busy(), breaks_off)

    with open_client(also_repeats=frozenset({"POST"})) as client:
        assert 200 == client.post(api.url, json={"a": 1}).status_code

    assert [b'{"a":1}'] * 3 == api.bodies


def test_a_body_that_breaks_off_is_asked_for_again(api: UnrulyApi) -> None:
    api.next_does(breaks_off)

    with open_client() as client:
        assert {"items": [{"id": 1}, {"id": 2}]} == client.get(api.url).json()


def test_a_server_that_is_not_there_is_an_error(api: UnrulyApi) -> None:
    with UnrulyApi() as gone:
        address = gone.url

    with open_client() as client, pytest.raises(httpx.ConnectError):
        client.get(address)


def test_a_server_that_says_nothing_is_given_up_in_time(api: UnrulyApi) -> None:
    api.next_does(hangs(api.released))
    began = time.monotonic()

    with open_client(read_seconds=0.2, max_retries=0) as client, pytest.raises(httpx.ReadTimeout):
        client.get(api.url)

    assert time.monotonic() - began < 5


def test_a_server_that_says_a_little_now_and_then_is_given_up_at_the_deadline(api: UnrulyApi) -> None:
    api.next_does(*[drips(api.released)] * 2)
    began = time.monotonic()

    with open_client(deadline=Deadline.within(0.4)) as client, pytest.raises(httpx.TimeoutException):
        client.get(api.url)

    assert time.monotonic() - began < 5


def test_nobody_waits_longer_than_there_is_time(api: UnrulyApi) -> None:
    api.next_does(busy(429, after="300"))
    waited: list[float] = []

    with open_client(deadline=Deadline.within(60), pause=waited.append) as client:
        assert 429 == client.get(api.url).status_code

    assert [] == waited


def test_the_server_says_how_long_to_wait(api: UnrulyApi) -> None:
    api.next_does(busy(429, after="7"))
    waited: list[float] = []

    with open_client(pause=waited.append) as client:
        client.get(api.url)

    assert [7.0] == waited


def test_what_is_streamed_has_no_bound(api: UnrulyApi) -> None:
    api.next_does(says(b"0" * (2 << 20)))

    with open_client(max_bytes=1 << 20) as client, client.stream("GET", api.url) as answer:
        assert 2 << 20 == sum(map(len, answer.iter_bytes()))


def test_a_redirect_is_followed_on_the_same_host_with_its_credentials(api: UnrulyApi) -> None:
    api.next_does(redirects("/moved?page=2"))

    with open_client(follow_redirects=True) as client:
        answer = client.get(api.url, headers={"Authorization": "Bearer t"})

    assert {"items": [{"id": 3}]} == answer.json()
    assert ["Bearer t", "Bearer t"] == [headers["authorization"] for _, _, headers in api.asked]


def test_a_redirect_to_another_host_is_refused_and_nothing_arrives_there(api: UnrulyApi) -> None:
    with UnrulyApi() as other, open_client(follow_redirects=True) as client:
        api.next_does(redirects(other.url + "/collect?token=x"))

        with pytest.raises(HostRefused, match="which is not asked") as caught:
            client.get(api.url, headers={"Authorization": "Bearer t"})

        assert [] == other.asked
    assert "token" not in str(caught.value)


def test_where_another_host_is_right_no_credentials_go_there(api: UnrulyApi) -> None:
    with UnrulyApi() as other, open_client(follow_redirects=True, leaves_host=True) as client:
        api.next_does(redirects(other.url))

        assert (
            200 == client.get(api.url, headers={"Authorization": "Bearer t", "X-Key": "k"}, auth=("a", "b")).status_code
        )

        [(_, _, headers)] = other.asked
    assert not {"authorization", "x-key"} & headers.keys()


def test_a_redirect_to_an_address_within_is_refused(api: UnrulyApi) -> None:
    api.next_does(redirects("http://169.254.169.254/latest/meta-data"))

    with open_client(follow_redirects=True, leaves_host=True) as client, pytest.raises(HostRefused, match=r"169\.254"):
        client.get(api.url)


def test_a_redirect_from_https_to_http_is_refused() -> None:
    class Elsewhere(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(302, headers={"Location": "http://cdn.example/file"})

    client = open_client(follow_redirects=True, leaves_host=True, mounts={"https://": Elsewhere()})
    with client, pytest.raises(HostRefused, match=r"api\.example redirects from https to http"):
        client.get("https://api.example/file")


def test_redirects_without_end_are_an_error(api: UnrulyApi) -> None:
    api.next_does(*[redirects("/again")] * 20)

    with open_client(follow_redirects=True) as client, pytest.raises(FatalError, match="without end"):
        client.get(api.url)


def test_a_redirect_is_given_as_it_is_unless_it_is_to_be_followed(api: UnrulyApi) -> None:
    api.next_does(redirects("/moved"))

    with open_client() as client:
        assert 302 == client.get(api.url).status_code


def test_this_machine_is_not_asked_unless_it_is_allowed(api: UnrulyApi) -> None:
    with open_client(policy=HostPolicy()) as client, pytest.raises(HostRefused, match="DATAFLOW_ALLOWED_HOSTS"):
        client.get(api.url)

    assert [] == api.asked


def test_a_name_server_that_says_another_address_the_next_time_gains_nothing(
    api: UnrulyApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that was judged is the one that is connected to: nobody asks the name server in between."""
    really, asked = socket.getaddrinfo, []
    port = int(api.url.rpartition(":")[2])

    def answers(host: str, *given: Any, **named: Any) -> Any:
        if host == "rebound.example":
            asked.append(host)
            host = "127.0.0.1" if len(asked) % 2 else "127.0.0.2"
        return really(host, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with UnrulyApi(at="127.0.0.2", port=port) as within, open_client(max_retries=0) as client:
        assert 200 == client.get(f"http://rebound.example:{port}/").status_code
        with open_client() as another, pytest.raises(HostRefused, match=r"rebound\.example is at 127\.0\.0\.2"):
            another.get(f"http://rebound.example:{port}/")
        assert (1, []) == (len(api.asked), within.asked)

    assert 2 == len(asked)


def test_no_proxy_of_the_environment_is_used(api: UnrulyApi, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    with open_client() as client:
        assert 200 == client.get(api.url).status_code


def test_requests_keep_their_pace(api: UnrulyApi) -> None:
    with Client(LOG, policy=HERE, requests_a_second=20) as client:
        for _ in range(5):
            client.get(api.url)

    gaps = [after - before for before, after in zip(api.moments, api.moments[1:], strict=False)]
    assert sum(gaps) >= 4 * 0.05 * 0.9


def test_nobody_waits_for_the_pace_longer_than_there_is_time(api: UnrulyApi) -> None:
    waited: list[float] = []

    with open_client(requests_a_second=1 / 60, deadline=Deadline.within(5), pause=waited.append) as client:
        client.get(api.url)
        with pytest.raises(httpx.TimeoutException, match="the time is over"):
            client.get(api.url)

    assert 1 == len(api.asked)
    assert sum(waited) <= 5


def test_each_request_has_its_own_time(api: UnrulyApi) -> None:
    api.next_does(drips(api.released))
    began = time.monotonic()

    with open_client(request_seconds=0.5, max_retries=0) as client:
        with pytest.raises(httpx.TimeoutException):
            client.get(api.url)
        assert 200 == client.get(api.url).status_code

    assert time.monotonic() - began < 5


def test_a_request_and_its_retries_have_one_time(api: UnrulyApi) -> None:
    api.next_does(busy(429, after="300"))
    waited: list[float] = []

    with open_client(request_seconds=60, pause=waited.append) as client:
        assert 429 == client.get(api.url).status_code

    assert [] == waited


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x", "https://a.example/y?z", True),
        ("https://a.example", "https://a.example:443/", True),
        ("http://a.example", "https://a.example/", True),
        ("https://a.example", "http://a.example/", False),
        ("https://a.example", "https://a.example:8443/", False),
        ("https://a.example", "https://a.example.evil/", False),
        ("https://a.example", "https://b.example/", False),
        ("http://a.example:8080", "https://a.example:8443/", False),
    ],
)
def test_which_addresses_are_of_one_server(one: str, other: str, same: bool) -> None:
    assert same == is_same_origin(httpx.URL(one), httpx.URL(other))
