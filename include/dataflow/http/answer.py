"""One answer, unpacked in pieces as it arrives: a small one that unpacks to a huge one never fills the memory."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import httpx

from dataflow.errors import FatalError

__all__ = ["ASKED_CODING", "AnswerTooLarge", "BoundedResponse"]

ASKED_CODING = "gzip"
"""What we ask to be packed by, and unpack; once, for what is packed twice can be a thousand times a thousand larger."""
GZIP = frozenset({"gzip", "x-gzip"})
OTHER_PACKINGS = frozenset({"br", "compress", "dcb", "dcz", "deflate", "zstd"})
"""Further content codings that pack (IANA's list). Servers also write words that are none, such as ``utf-8``."""
GZIP_BEGINS = b"\x1f"
PIECE = 1 << 20
"""Bytes that are unpacked at once, at most."""


class AnswerTooLarge(FatalError):
    """An answer that is larger than any page should be, or that unpacks to more."""


class BoundedResponse(httpx.Response):
    """A response whose body is unpacked in pieces, and refused when it grows beyond its bound."""

    def __init__(self, *given: Any, max_bytes: int | None = None, **named: Any) -> None:
        self.max_bytes = max_bytes
        """Of its body, unpacked; None for no bound."""
        super().__init__(*given, **named)

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Give the body, unpacked, in pieces of that size, by default as they come.

        Raises:
            AnswerTooLarge: when there is more than the bound.
            FatalError: when it is packed in a way that was not asked for.
            httpx.DecodingError: when it does not unpack, or ends in the middle.
        """
        try:
            pieces: Iterable[bytes] = (self.content,)
        except httpx.ResponseNotRead:
            pieces = self._within_bound(self._unpacked())
        yield from pieces if chunk_size is None else _of_size(pieces, chunk_size)

    def _unpacked(self) -> Iterator[bytes]:
        codings = [coding.strip().lower() for coding in self.headers.get_list("Content-Encoding", split_commas=True)]
        packings = [coding for coding in codings if coding in GZIP | OTHER_PACKINGS]
        if not packings:
            return self.iter_raw()
        if len(packings) > 1 or packings[0] not in GZIP:
            raise FatalError(
                f"{self.request.url.host} answers packed by {', '.join(packings)}, and was asked for {ASKED_CODING} "
                "once at most; correct the server, or what stands before it"
            )
        return self._gunzipped()

    def _gunzipped(self) -> Iterator[bytes]:
        try:
            yield from _gunzipped(self.iter_raw())
        except zlib.error as error:
            raise httpx.DecodingError(str(error), request=self.request) from error

    def _within_bound(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            if self.max_bytes is not None and size > self.max_bytes:
                raise AnswerTooLarge(
                    f"{self.request.url.host} answers with more than {self.max_bytes >> 20} MB at once; ask for less, "
                    "e.g. a smaller page"
                )
            yield piece


def _gunzipped(packed: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack one gzip member after the other; what follows a member and begins none is left out, as browsers do."""
    member, is_first = None, True
    arriving = iter(packed)
    for data in arriving:
        rest = data
        while rest:
            if member is None:
                if not is_first and not rest.startswith(GZIP_BEGINS):
                    deque(arriving, maxlen=0)
                    return
                member, is_first = zlib.decompressobj(zlib.MAX_WBITS | 16), False
            if piece := member.decompress(rest, PIECE):
                yield piece
            rest = member.unconsumed_tail
            if member.eof:
                rest, member = member.unused_data, None
    if member is not None:
        yield member.flush()
        if not member.eof:
            raise zlib.error("it ends in the middle")


def _of_size(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    kept = b""
    for piece in pieces:
        kept += piece
        whole = len(kept) - len(kept) % size
        for start in range(0, whole, size):
            yield kept[start : start + size]
        kept = kept[whole:]
    if kept:
        yield kept
