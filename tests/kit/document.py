"""A Markdown page whose fenced blocks are run: what each is, and whether a shown output is the real one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RUN = frozenset({"console"})
"""Blocks of commands, each after ``$``, with what they print."""
WRITTEN = frozenset({"yaml", "csv", "sql", "python"})
"""Blocks that are files, named in a comment on the first line or at the end of the line before the block."""
READ = frozenset({"text", "sh"})
"""Blocks that are only read: a picture of folders, commands for a machine that is not here."""

ANYTHING = "..."
"""A line of a shown output that stands for any number of lines."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED_INSIDE = re.compile(r"^(?:#|--) (\S+/\S+\.\w+)$")
_NAMED_BEFORE = re.compile(r"`(\S+/\S+\.\w+)`:$")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")

# What differs from one run to the next, and nothing else.
_VARIES = (
    (re.compile(r"(?<![\w.:])(?:\d+m)?\d+(?:\.\d+)? ?s\b *"), "<time> "),
    (re.compile(r" *\b\d+(?:\.\d+)? (?:bytes?|[kMG]B)\b"), " <size>"),
    (re.compile(r"\b(?:local|manual|scheduled|asset_triggered|replay)__\d[\w:+.-]*"), "<run>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b(?!:)"), "<moment>"),
    (re.compile(r"(?<=password   )\S+"), "<password>"),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a page and the output shown below it."""

    text: str
    shown: str
    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    line: int
    """Of the page, from 1; where the block's content begins."""
    before: str
    """The last line of text before the block."""

    @property
    def file(self) -> str | None:
        """Give the file that the block is, as the page names it."""
        inside = _NAMED_INSIDE.match(self.text.split("\n", 1)[0])
        named = inside or _NAMED_BEFORE.search(self.before)
        return named.group(1) if named else None

    @property
    def commands(self) -> tuple[Command, ...]:
        """Give the commands in order, each with its output."""
        found: list[Command] = []
        for number, line in enumerate(self.text.splitlines(), self.line):
            if line.startswith("$ "):
                found.append(Command(line[2:], "", number))
                continue
            assert found, f"line {number}: a console block begins with a command, after `$ `"
            last = found[-1]
            found[-1] = Command(last.text, f"{last.shown}{line}\n", last.line)
        return tuple(found)


def blocks_of(page: Path) -> tuple[Block, ...]:
    """Give every fenced block of a page in order; one of an unknown kind is an error, so that none goes unrun."""
    text = page.read_text(encoding="utf-8")
    blocks = []
    for fence in _FENCE.finditer(text):
        above = text[: fence.start()]
        block = Block(
            language=fence.group(1),
            text=fence.group(2),
            line=above.count("\n") + 2,
            before=(above.rstrip().splitlines() or [""])[-1],
        )
        assert block.language in RUN | WRITTEN | READ, f"{page.name}:{block.line}: a block of kind {block.language!r}"
        blocks.append(block)
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(blocks), f"{page.name}: a block without an end"
    return tuple(blocks)


def links_of(page: Path) -> tuple[str, ...]:
    """Give where the page's links and pictures point, without those that leave the repository."""
    return tuple(
        link for link in _LINK.findall(page.read_text(encoding="utf-8")) if not re.match(r"https?:|mailto:", link)
    )


def normal(output: str, *, here: Mapping[str, str] | None = None) -> str:
    """Give an output without what differs from run to run; ``here`` says what of this place is called how on a page."""
    for real, called in (here or {}).items():
        output = output.replace(real, called)
    for varies, name in _VARIES:
        output = varies.sub(name, output)
    return output.strip("\n")


def is_shown(shown: str, real: str, *, here: Mapping[str, str] | None = None) -> bool:
    """Tell whether the real output is the one shown, line by line; a line ``...`` stands for any lines."""
    expected = normal(shown).splitlines()
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == ANYTHING else re.escape(line) + r"\n" for line in expected)
    return re.fullmatch(pattern, normal(real, here=here) + "\n" if expected or real.strip() else "") is not None
