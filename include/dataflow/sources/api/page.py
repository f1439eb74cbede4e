"""One answer of an API. Its records are cut out as they stand in the text: none becomes a Python object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.errors import ContractError, StepError, TransientError
from dataflow.masking import masked

if TYPE_CHECKING:
    import msgspec

__all__ = ["MISSING", "Page", "begins_like_json", "page_of", "shorten"]

MISSING = object()
"""Stands for what an answer does not have, which is not the same as null."""
SHOWN = 120
LOOKED_AT = 65_536
"""Bytes of an answer's beginning that messages may quote from."""
LONG = 1 << 20
"""Bytes of a page whose records need no measuring."""
KINDS = {b"{": "an object", b"[": "a list", b'"': "text", b"t": "true", b"f": "false", b"n": "null"}


@dataclass(frozen=True, slots=True)
class Page:
    """One answer."""

    number: int
    """The first is 1."""
    url: str
    """Where it came from, after redirects."""
    count: int
    """Its records."""
    lines: bytes
    """Each record on its own line."""
    longest: int
    """Bytes of its longest record, or more where all of them are short."""
    body: bytes
    link: str | None = None
    """The address of the next page as the header ``Link`` has it."""

    def at(self, path: str) -> Any:
        """Give what stands at a dotted path of the answer, `MISSING` where nothing does."""
        import msgspec

        found, _ = _walk(msgspec.Raw(self.body), path)
        return MISSING if found is None else msgspec.json.decode(found)


def page_of(body: bytes, *, number: int, url: str, link: str | None, records: str | None, place: str) -> Page:
    """Read an answer.

    Args:
        body: Its text.
        number: Of the page.
        url: Where it came from.
        link: What its header ``Link`` says of the next page.
        records: Where its records are, as a dotted path; None when it is the list of them.
        place: How messages name the page.

    What is not JSON at all is not the API's word: a proxy's page, a login, a server that starts. The next try may get
    the API itself. JSON that is not what the config says would be the same again.

    Raises:
        ContractError: when it is damaged JSON, or has no records there.
        TransientError: when it is empty, something else than JSON, or ends in the middle.
    """
    import msgspec

    text = _one_line_each(body, place)
    try:
        found, last = _walk(msgspec.Raw(text), records or "")
        if found is None:
            raise ContractError(f"{place}: the answer has no {records}; {_shape(last)}. Correct `records`")
        if bytes(found) == b"null":  # what a server that has an empty list often says
            return Page(number, url, 0, b"", 0, text, link)
        items = msgspec.json.decode(found, type=list[msgspec.Raw])
    except msgspec.ValidationError:
        raise ContractError(_no_list(found, records, place)) from None
    except msgspec.DecodeError as error:
        raise _no_json(text, error, place) from None
    lines = b"\n".join([*items, b""])
    # Only between records does a line end, so two looks over all of them are enough; one for each record is dear.
    if items and not (lines.startswith(b"{") and lines.count(b"\n{") == len(items) - 1):
        raise _no_object(items, place)
    longest = len(lines) if len(lines) < LONG else max(len(memoryview(item)) for item in items)
    return Page(number, url, len(items), lines, longest, text, link)


def shorten(body: bytes) -> str:
    """Give the beginning of a text as messages show it."""
    # Masked before it is cut: half a secret is not found any more.
    text = " ".join(masked(body[:LOOKED_AT].decode(errors="replace")).split())
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "...")


def _one_line_each(body: bytes, place: str) -> bytes:
    """Give the text without what is only layout; within JSON's strings no line ends."""
    text = body.removeprefix(b"\xef\xbb\xbf")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        if not begins_like_json(text):
            raise _no_json(text, error, place) from None
        raise ContractError(f"{place}: the answer is not UTF-8 (byte {error.start}), so it is no JSON") from None
    return text.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in text or b"\r" in text else text


def _walk(start: msgspec.Raw, path: str) -> tuple[msgspec.Raw | None, msgspec.Raw]:
    """Give what stands at the path, None where nothing does, and the last thing that was there."""
    import msgspec

    here = start
    for key in path.split(".") if path else ():
        try:
            inside: dict[str, msgspec.Raw] = msgspec.json.decode(here, type=dict[str, msgspec.Raw])
        except msgspec.ValidationError:
            return None, here
        if key not in inside:
            return None, here
        here = inside[key]
    return here, here


def _no_object(items: Sequence[msgspec.Raw], place: str) -> ContractError:
    firsts = [bytes(memoryview(item)[:1]) for item in items]
    number = next(index for index, first in enumerate(firsts) if first != b"{")
    kind = _kind(firsts[number])
    return ContractError(f"{place}, record {number + 1}: it is {kind}, and a record is an object")


def _no_list(found: msgspec.Raw | None, records: str | None, place: str) -> str:
    what = f"{records} is" if records else "the answer is"
    inside = bytes(found or b"")
    hint = "correct `records`" if records else "say in `records` where in it they are"
    return f"{place}: {what} {_kind(inside[:1])}, not a list of records; {_shape(inside)}. Here {hint}"


def _shape(inside: msgspec.Raw | bytes) -> str:
    """Say what is there instead."""
    import msgspec

    try:
        keys: Sequence[str] = list(msgspec.json.decode(inside, type=dict[str, msgspec.Raw]))
    except msgspec.DecodeError:
        return f"there is {shorten(bytes(inside))}"
    return "there is " + (", ".join(keys[:20]) or "an object without keys")


def _kind(first: bytes) -> str:
    return KINDS.get(first, "a number")


def begins_like_json(text: bytes) -> bool:
    """Tell whether it may be an API's own word; a web page is a proxy's, or of a server that starts."""
    return text.lstrip().startswith((b"{", b"["))


def _no_json(text: bytes, error: Exception, place: str) -> StepError:
    if not text.strip():
        return TransientError(f"{place}: the answer is empty; an API that has no records says so, or answers 204")
    begins = f"it begins with {shorten(text)}"
    if text.lstrip().startswith(b"<"):
        return TransientError(f"{place}: a web page instead of JSON, often of a proxy, a login or an error; {begins}")
    if not begins_like_json(text):
        return TransientError(f"{place}: the answer is something else than JSON; {begins}")
    if "truncated" in str(error):
        return TransientError(f"{place}: the answer ends in the middle, after {len(text)} bytes")
    return ContractError(f"{place}: the answer is no JSON ({error}); {begins}")
