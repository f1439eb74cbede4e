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

    Half a second, and twice as long each time; each wait is drawn from its upper half, so that many clients that were
    refused at once do not come back at once. It is longer where the server says so, and never shorter: a date that is
    over by our clock says only that the two clocks differ.

    Args:
        retry: Which one.
        retry_after: The answer's header.
        chance: From 0 to 1; by default a random one.
    """
    asked = retry_after_seconds(retry_after, now=datetime.now(UTC))
    longest = min(MAX_WAIT, FIRST_WAIT * 2.0 ** min(retry - 1, 16))
    own = longest * (1 + (random.random() if chance is None else chance)) / 2  # noqa: S311  # no secret is made of it
    return own if asked is None else max(asked, own)


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
