"""What somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

__all__ = ["did_you_mean", "known_words"]

MAX_LISTED = 12
NO_OTHERS: Mapping[str, str] = {}
MAX_COMPARED = 1_000
"""Words; a config of ten thousand columns must not take minutes."""


def did_you_mean(word: str, known: Iterable[str], *, others: Mapping[str, str] = NO_OTHERS) -> str:
    """Give ``did you mean 'token'?``, or nothing where no known word is near.

    Args:
        word: What was written.
        known: What may be written.
        others: What other tools call things, in lower case, and our word for each: a meaning that is the same comes
            before letters that are.
    """
    from difflib import get_close_matches

    words = {each.casefold(): each for each in islice(known, MAX_COMPARED)}
    same = words.get(others.get(word.casefold(), "").casefold())
    if same is not None:
        return f"did you mean '{same}'?"
    near = get_close_matches(word.casefold(), words, n=1, cutoff=0.6)
    return f"did you mean '{words[near[0]]}'?" if near else ""


def known_words(
    word: str,
    known: Iterable[str],
    *,
    what: str = "known here",
    most: int = MAX_LISTED,
    others: Mapping[str, str] = NO_OTHERS,
) -> str:
    """Give the near miss, else all words that are known, as far as they fit a line: ``most`` of them."""
    words = sorted(known)
    near = did_you_mean(word, words, others=others)
    if near or not words:
        return near
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return f"{what}: {', '.join(words[:most])}{more}"
