"""Something that happens while a function of an author's is at work: the function says when."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["happens", "let_happen"]

_WAITING: list[Callable[[], object]] = []


def let_happen(what: Callable[[], object]) -> None:
    """Do this the next time that a function says `happens()`, once."""
    _WAITING.append(what)


def happens() -> None:
    """Do what was to happen, if anything was."""
    while _WAITING:
        _WAITING.pop()()
