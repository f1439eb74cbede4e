"""Durations as users write them: ``30s``, ``5m``, ``2h``, ``1d``, ``1h30m``."""

from __future__ import annotations

import re
from datetime import timedelta

__all__ = ["DURATION_PATTERN", "format_duration", "parse_duration"]

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
DURATION_PATTERN = r"^(?:[0-9]+[dhms])+$"
_FORM = re.compile(DURATION_PATTERN.replace("$", r"\Z"))
_PART = re.compile(r"([0-9]+)([dhms])")


def parse_duration(value: object) -> timedelta:
    """Read ``1h30m``; a timedelta passes as it is.

    Raises:
        ValueError: when it is neither; the text says the form.
    """
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not _FORM.match(value):
        raise ValueError(f"{value!r} is not a duration; write a number and a unit, like 30s, 5m, 2h or 1d")
    return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(value)))


def format_duration(value: timedelta) -> str:
    """Write a duration as users do, the largest unit first: ``1h30m``. Parts of a second are dropped."""
    left = int(value.total_seconds())
    text = ""
    for unit in ("d", "h", "m", "s"):
        number, left = divmod(left, _SECONDS[unit])
        text += f"{number}{unit}" if number else ""
    return text or "0s"
