"""A terminal that shows text as it is: no smileys for ``:name:``, and no text that steers it."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console
from rich.text import Text

__all__ = ["Terminal", "visible"]

STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What moves the cursor, clears the screen, ends a line, or turns the direction of what follows."""
SPELLED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str, *, lines: bool = False) -> str:
    r"""Spell out what would steer a terminal: ``\t``, ``\x1b``. With ``lines``, line ends and tabs stay as they are."""
    return STEERING.sub(lambda found: found[0] if lines and found[0] in "\n\t" else _spelled(found[0]), text)


def _spelled(character: str) -> str:
    return SPELLED.get(character) or character.encode("unicode_escape").decode()


class Terminal(Console):
    """Where the program prints, standard output or standard error."""

    def __init__(self, **options: Any) -> None:
        super().__init__(soft_wrap=True, highlight=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make text of what is printed; it may hold data, and data may hold anything."""
        return super().render_str(visible(text, lines=True), **options)
