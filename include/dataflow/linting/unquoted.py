"""Columns that SQL cannot tell from its own words, or from several words: they have to stand in double quotes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dataflow.identifiers import quote
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["column_to_quote", "named_columns"]

MAX_TRIALS = 50
LIKE_COLUMNS = frozenset(
    {"check", "column", "end", "group", "limit", "offset", "order", "primary", "references", "table", "to", "when"}
)
"""Reserved words by which columns go, where nobody has declared what there is."""

_WORD = re.compile(rb"\w+")


def named_columns(spec: WorkflowSpec) -> frozenset[str]:
    """Give the names that the config gives to columns, and likely ones of sources that do not say theirs."""
    stages = [stage for transform in spec.transform.values() for stage in transform.stages]
    names = {name for source in spec.sources.values() for name in source.columns}
    names |= {name for stage in stages for name in (stage.derive or {})}
    names |= {name for stage in stages for name in (stage.rename or {}).values()}
    are_declared = all(source.columns for source in spec.sources.values())
    return frozenset(names if are_declared else names | LIKE_COLUMNS)


def column_to_quote(text: str, columns: frozenset[str], *, parses: Callable[[str], bool]) -> str | None:
    """Give the column, in quotes, with which SQL that does not parse would; None where it is something else."""
    for number, (column, changed) in enumerate(_trials(text, columns)):
        if number == MAX_TRIALS:
            return None
        if parses(changed):
            return quote(column)
    return None


def _trials(text: str, columns: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Give each column that may be meant, and the text with it in quotes: wherever it stands, then at one place."""
    places = list(_reserved(text, {column.lower() for column in columns}))
    words = {word.lower(): word for _, word in places}
    for lower, word in words.items():
        yield word, _quoted(text, [place for place in places if place[1].lower() == lower])
    for place in places:
        yield place[1], _quoted(text, [place])
    for column in sorted(columns, key=len, reverse=True):
        if not column.isidentifier() and column in text:
            yield column, text.replace(column, quote(column))


def _reserved(text: str, columns: set[str]) -> Iterator[tuple[int, str]]:
    """Give where the text, in bytes of UTF-8, has a word of SQL that is a column, too."""
    import duckdb

    encoded = text.encode()
    for offset, kind in duckdb.tokenize(text):
        word = _WORD.match(encoded, offset) if kind == duckdb.token_type.keyword else None
        if word is not None and word[0].decode().lower() in columns:
            yield offset, word[0].decode()


def _quoted(text: str, places: list[tuple[int, str]]) -> str:
    encoded = text.encode()
    for offset, word in reversed(places):
        end = offset + len(word.encode())
        encoded = encoded[:offset] + quote(word).encode() + encoded[end:]
    return encoded.decode()
