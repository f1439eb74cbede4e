"""What somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

__all__ = ["did_you_mean", "known_words"]

MAX_LISTED = 12
MAX_COMPARED = 1_000
"""Words; a config of ten thousand columns must not take minutes."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give ``did you mean 'token'?``, or nothing where no known word is near."""
    from difflib import get_close_matches

    words = {each.casefold(): each for each in islice(known, MAX_COMPARED)}
    near = get_close_matches(word.casefold(), words, n=1, cutoff=0.6)
    return f"did you mean '{words[near[0]]}'?" if near else ""


def known_words(word: str, known: Iterable[str], *, what: str = "known here") -> str:
    """Give the near miss, else all words that are known, as far as they fit a line."""
    words = sorted(known)
    near = did_you_mean(word, words)
    if near or not words:
        return near
    more = f" and {len(words) - MAX_LISTED} more" if len(words) > MAX_LISTED else ""
    return f"{what}: {', '.join(words[:MAX_LISTED])}{more}"
