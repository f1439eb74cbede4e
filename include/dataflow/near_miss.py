"""What somebody probably meant, who wrote a name that nothing has: the one place where near names are looked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

__all__ = ["did_you_mean", "known_words", "near_words"]

MAX_LISTED = 12
NO_OTHERS: Mapping[str, str] = {}
MAX_COMPARED = 1_000
"""Words; a config of ten thousand columns must not take minutes."""


def near_words(word: str, known: Iterable[str], *, most: int = 1, likeness: float = 0.6) -> list[str]:
    """Give the known words that are nearest, as they are known, the nearest first: that alone which differs in case.

    Args:
        word: What was written.
        known: What may be written.
        most: So many at most.
        likeness: How like each must be, from 0 to 1, where 1 is the same.
    """
    from difflib import get_close_matches

    words = {each.strip().casefold(): each for each in known}
    meant = word.strip().casefold()
    if meant in words:
        return [words[meant]]
    near = get_close_matches(meant, list(islice(words, MAX_COMPARED)), n=most, cutoff=likeness)
    return [words[each] for each in near]


def did_you_mean(word: str, known: Iterable[str], *, others: Mapping[str, str] = NO_OTHERS) -> str:
    """Give ``did you mean 'token'?``, or nothing where no known word is near.

    Args:
        word: What was written.
        known: What may be written.
        others: What other tools call things, in lower case, and our word for each: a meaning that is the same comes
            before letters that are.
    """
    words = list(known)
    meant = others.get(word.casefold(), "").casefold()
    same = next((each for each in words if each.casefold() == meant), None)
    near = [same] if same is not None else near_words(word, words)
    return f"did you mean '{near[0]}'?" if near else ""


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
