"""Regular expressions that a config brings: Python's engine must be able to judge any text by them, in short time.

Airflow judges params with that engine while it parses and whenever a run is started, and nothing can stop it midway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

__all__ = ["fault_of_pattern"]

Characters = frozenset[str]

_ALL: Characters = frozenset(map(chr, range(256)))
_MANY = 4
"""Rounds of a loop from which on the ways to split a text over them are counted."""
_ENDLESS = 1 << 30
_TOKEN = re.compile(
    r"(?P<open>\((?:\?(?:P<\w+>|P=\w+|<[=!]|[:=!>]|[aiLmsux-]+:?))?)"
    r"|(?P<close>\))"
    r"|(?P<bar>\|)"
    r"|(?P<repeat>(?:[*+?]|\{(?P<low>\d*)(?P<comma>,?)(?P<high>\d*)\})[?+]?)"
    r"|(?P<edge>[\^$]|\\[AbBZ])"
    r"|(?P<atom>\\(?:x..|u....|.)|\[\^?\]?(?:\\.|[^\]\\])*\]|.)",
    re.DOTALL,
)


@dataclass(slots=True)
class _Piece:
    """One character of some, or a group; and how often it comes."""

    characters: Characters
    branches: list[list[_Piece]] = field(default_factory=list)
    low: int = 1
    high: int = 1

    @property
    def varies(self) -> bool:
        return self.low != self.high


@lru_cache(maxsize=1024)
def fault_of_pattern(text: str) -> str:
    """Give what is wrong with a regular expression, as the end of a sentence; empty where it is sound."""
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return "is no regular expression"
    if any(_splits_in_many_ways(piece) for branch in _branches(_TOKEN.finditer(text)) for piece in _inside(branch)):
        return "repeats what repeats, so that a text of thirty characters could be judged for years"
    return ""


def _splits_in_many_ways(loop: _Piece) -> bool:
    """Tell whether a loop can go over the same text in ways whose number doubles with each character."""
    if loop.high < _MANY or not loop.branches:
        return False
    first = [_first(branch) for branch in loop.branches]
    if any(one & other for one, other in combinations(first, 2)):
        return True
    return any(not _has_a_mark(branch) for branch in loop.branches)


def _has_a_mark(branch: list[_Piece]) -> bool:
    """Tell whether each round shows in the text: by a character that must come, and is none of what varies."""
    varying: Characters = frozenset().union(*(piece.characters for piece in _inside(branch) if piece.varies))
    if not varying:
        return True
    return any(piece.low and not piece.branches and not piece.characters & varying for piece in branch)


def _first(branch: list[_Piece]) -> Characters:
    found: Characters = frozenset()
    for piece in branch:
        inner = [_first(each) for each in piece.branches]
        found |= frozenset().union(*inner) if inner else piece.characters
        if piece.low:
            break
    return found


def _inside(branch: list[_Piece]) -> Iterator[_Piece]:
    for piece in branch:
        yield piece
        for inner in piece.branches:
            yield from _inside(inner)


def _branches(tokens: Iterator[re.Match[str]]) -> list[list[_Piece]]:
    """Read up to the end of a group, or of the whole."""
    found: list[list[_Piece]] = [[]]
    for token in tokens:
        if token["close"]:
            break
        if token["open"]:
            inner = _branches(tokens)
            every = (piece.characters for branch in inner for piece in branch)
            found[-1].append(_Piece(frozenset().union(*every), inner))
        elif token["bar"]:
            found.append([])
        elif token["repeat"] and found[-1]:
            found[-1][-1].low, found[-1][-1].high = _times(token)
        elif token["atom"]:
            found[-1].append(_Piece(_characters(token["atom"])))
    return found


def _times(token: re.Match[str]) -> tuple[int, int]:
    if token["low"] is None:
        return {"*": (0, _ENDLESS), "+": (1, _ENDLESS), "?": (0, 1)}[token["repeat"][0]]
    low = int(token["low"] or 0)
    return low, (int(token["high"]) if token["high"] else _ENDLESS) if token["comma"] else low


def _characters(atom: str) -> Characters:
    try:
        one = re.compile(atom, re.DOTALL)
    except re.error:  # what an earlier group matched, say
        return _ALL
    return frozenset(each for each in _ALL if one.fullmatch(each))
