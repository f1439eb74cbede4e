"""Packed answers: what they unpack to is what was packed, in pieces, and never more than was bargained for."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import FatalError
from dataflow.http.answer import AnswerTooLarge, BoundedResponse
from dataflow.http.client import Client
from dataflow.http.policy import HostPolicy
from kit.memory import takes_at_most
from kit.unruly_api import UnrulyApi, says, zipped

MEGABYTE = 1 << 20


class Arriving(httpx.SyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces


@pytest.fixture
def api() -> Iterator[UnrulyApi]:
    with UnrulyApi() as server:
        yield server


def open_client() -> Client:
    log = logging.getLogger("dataflow.test")
    return Client(log, policy=HostPolicy.parse("127.0.0.1"), pause=lambda _: None, max_bytes=MEGABYTE)


def packed(size: int, times: int = 1) -> bytes:
    squeeze = zlib.compressobj(9, wbits=31)
    body = b"".join(squeeze.compress(bytes(MEGABYTE)) for _ in range(size // MEGABYTE)) + squeeze.flush()
    for _ in range(times - 1):
        body = gzip.compress(body)
    return body


def test_gzip_is_unpacked(api: UnrulyApi) -> None:
    api.next_does(zipped({"items": [1]}))

    with open_client() as client:
        assert {"items": [1]} == client.get(api.url).json()


@given(st.lists(st.binary()), st.integers(1, 40), st.none() | st.integers(1, 40), st.sampled_from([b"", b"\0\0", b"?"]))
def test_what_arrives_in_any_pieces_unpacks_to_what_was_packed(
    members: list[bytes], size: int, chunk: int | None, behind: bytes
) -> None:
    body = b"".join(map(gzip.compress, members)) + (behind if members else b"")
    arriving = Arriving([body[at : at + size] for at in range(0, len(body), size)])
    asked = httpx.Request("GET", "http://api.example")
    answer = BoundedResponse(200, headers={"Content-Encoding": "GZip"}, stream=arriving, request=asked)

    pieces = list(answer.iter_bytes(chunk))

    assert b"".join(members) == b"".join(pieces)
    assert chunk is None or all(len(piece) == chunk for piece in pieces[:-1])


def test_what_was_read_is_given_again_in_pieces(api: UnrulyApi) -> None:
    api.next_does(says(b"abcde"))

    with open_client() as client:
        assert [b"abc", b"de"] == list(client.get(api.url).iter_bytes(3))


def test_what_unpacks_to_more_than_any_answer_is_refused_before_it_is_unpacked(api: UnrulyApi) -> None:
    api.next_does(says(packed(64 * MEGABYTE), headers={"Content-Encoding": "gzip"}))

    with takes_at_most(6 * MEGABYTE), open_client() as client, pytest.raises(AnswerTooLarge, match="more than 1 MB"):
        client.get(api.url)


@pytest.mark.parametrize("codings", ["gzip, gzip", "x-gzip,identity, GZIP"])
def test_what_is_packed_twice_is_refused_before_it_is_unpacked(api: UnrulyApi, codings: str) -> None:
    api.next_does(says(packed(64 * MEGABYTE, times=2), headers={"Content-Encoding": codings}))

    with takes_at_most(2 * MEGABYTE), open_client() as client, pytest.raises(FatalError, match="gzip once at most"):
        client.get(api.url)


def test_what_is_streamed_is_unpacked_piece_by_piece(api: UnrulyApi) -> None:
    api.next_does(says(packed(64 * MEGABYTE), headers={"Content-Encoding": "gzip"}))

    with takes_at_most(6 * MEGABYTE), open_client() as client, client.stream("GET", api.url) as answer:
        assert 64 * MEGABYTE == sum(map(len, answer.iter_bytes()))


def test_the_body_of_a_refused_login_is_bounded_too(api: UnrulyApi) -> None:
    class AsksAgain(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
            yield request
            yield request

    api.next_does(says(b"0" * 2 * MEGABYTE, 401))

    with open_client() as client, pytest.raises(AnswerTooLarge):
        client.get(api.url, auth=AsksAgain())


@pytest.mark.parametrize("damage", [b"", b"no gzip at all"])
def test_what_does_not_unpack_is_asked_for_again(api: UnrulyApi, damage: bytes) -> None:
    cut = damage or gzip.compress(b"abc")[:-4]
    api.next_does(says(cut, headers={"Content-Encoding": "gzip"}), zipped(["whole"]))

    with open_client() as client:
        assert ["whole"] == client.get(api.url).json()


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate"])
def test_what_is_packed_as_nobody_asked_is_told(api: UnrulyApi, coding: str) -> None:
    api.next_does(says(b"?", headers={"Content-Encoding": coding}))

    with open_client() as client, pytest.raises(FatalError, match=f"127.0.0.1 answers packed by {coding}, and was"):
        client.get(api.url)


def test_a_word_that_is_no_packing_says_nothing(api: UnrulyApi) -> None:
    api.next_does(says(["plain"], headers={"Content-Encoding": "utf-8"}))

    with open_client() as client:
        assert ["plain"] == client.get(api.url).json()
