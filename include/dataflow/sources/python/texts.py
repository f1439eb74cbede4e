"""Values of Python as the text that a column has of them: each by itself, whatever values stand beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any

__all__ = ["NESTED", "NoTextError", "json_of", "text_of"]

NESTED = (dict, list, tuple, set, frozenset)
TRUTHS = frozenset({"bool", "bool_"})
"""What Python and numpy name their own."""


class NoTextError(Exception):
    """A value that no column of texts has room for. Its words tell of the value's class alone."""


def text_of(value: Any) -> str:
    """Give a value as DuckDB would write it; of what holds others, JSON; of bytes, the UTF-8 that they are.

    Raises:
        NoTextError: when it is no value: an object that does not say what its text is, or bytes that are none.
    """
    if type(value).__name__ in TRUTHS:
        return "true" if value else "false"
    written = next((write for kinds, write in WRITTEN if isinstance(value, kinds)), None)
    if written is not None:
        return written(value)
    if type(value).__name__ == "ndarray":
        return json_of(value.tolist())
    # Else it would be `<Thing object at 0x7f...>`, or the call that makes one.
    if all("__str__" not in vars(kind) for kind in type(value).__mro__[:-1]):
        raise NoTextError(f"a {type(value).__qualname__}, which is no value of data and has no text (`__str__`)")
    return str(value)


def json_of(value: object) -> str:
    """Give a value as JSON: of a set, its sorted items; of what JSON does not know, its text.

    Raises:
        NoTextError: when a value within has no text, or a key is none.
    """
    try:
        # Not as ASCII: what no text has would be hidden in an escape.
        return json.dumps(value, default=_in_json, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise NoTextError(f"a {type(value).__name__} that is no JSON ({error})") from None


def _in_json(value: object) -> object:
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, (date, time)) else text_of(value)


def _decoded(value: bytes) -> str:
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise NoTextError(f"{type(value).__qualname__} that are not UTF-8") from None


def _moment(value: datetime) -> str:
    try:
        moment = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # within a day of the first and last that there are
        return value.isoformat()
    return _without_zeros(moment.isoformat(" ")) + ("" if value.tzinfo is None else "+00")


def _without_zeros(text: str) -> str:
    return text.rstrip("0") if "." in text and "+" not in text else text


WRITTEN: tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...] = (
    (Enum, lambda value: text_of(value.value)),
    ((str, int, float, complex), str),
    (datetime, _moment),
    ((date, time), lambda value: _without_zeros(value.isoformat())),
    (timedelta, lambda value: f"{value // timedelta(microseconds=1)} microseconds"),
    (NESTED, json_of),
    ((bytes, bytearray, memoryview), _decoded),
)
"""By class, the first that a value is of."""
