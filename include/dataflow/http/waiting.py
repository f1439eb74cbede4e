"""How long to wait before a request is sent again: as long as the server says, else longer each time."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["MAX_WAIT", "pause_before", "retry_after_seconds"]

FIRST_WAIT = 0.5
MAX_WAIT = 60.0
"""Seconds between two tries of our own choice."""
MAX_ASKED = 600.0
"""Seconds that a server may ask for; one that wants more is asked again after these."""


def pause_before(retry: int, *, retry_after: str | None = None, chance: float | None = None) -> float:
    """Give the seconds before a retry, the first being 1.

    What the server says goes first. Otherwise half a second, and twice as long each time; each wait is drawn from its
    upper half, so that many clients that were refused at once do not come back at once.

    Args:
        retry: Which one.
        retry_after: The answer's header.
        chance: From 0 to 1; by default a random one.
    """
    asked = retry_after_seconds(retry_after, now=datetime.now(UTC))
    if asked is not None:
        return asked
    longest = min(MAX_WAIT, FIRST_WAIT * 2.0 ** min(retry - 1, 16))
    return longest * (1 + (random.random() if chance is None else chance)) / 2  # noqa: S311  # no secret is made of it


def retry_after_seconds(header: str | None, *, now: datetime) -> float | None:
    """Read ``Retry-After``: seconds or an HTTP date; from 0 to ten minutes, None when it says neither."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), MAX_ASKED)) if len(text) < 10 else MAX_ASKED
    try:
        moment = parsedate_to_datetime(text)
        until = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        seconds = (until - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_ASKED)
