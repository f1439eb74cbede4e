"""What SQL writes to: the names in its statements, as DuckDB's own tokenizer tells words from texts and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Target", "targets_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a statement makes, changes or drops, or where it moves names that stand alone."""

    name: str
    """As the statement writes it."""
    within: tuple[str, ...]
    """Catalog and schema, or one of both, in lower case; empty where the name stands alone."""


_PART = r'(?:"(?:[^"]|"")*"|[\w$]+)'
_DOTTED = rf"{_PART}(?: \. {_PART})*"
_NAME = rf"(?P<name>{_DOTTED})"
_KIND = r"(?:table|view|macro|function|sequence|type)(?: table)?"
_HOW = r"(?:or replace )?(?:(?:temp|temporary|local|global|unlogged|persistent|recursive|materialized) )*"
_IF = r"(?:if (?:not )?exists )?"
_BEFORE = re.compile(rf"explain (?:analyze |\( \) )|prepare {_PART} as ")

_OF_TABLES = re.compile(
    r"(?:insert (?:or \w+ )?into |update |delete from |truncate (?:table )?|merge into |"
    rf"create (?:unique )?index {_IF}(?:(?!on ){_PART} )?on |create {_HOW}{_KIND} {_IF}|"
    rf"(?:drop|alter) (?:index|{_KIND}) {_IF}|comment on (?:index|{_KIND}) |"
    rf"copy (?={_DOTTED} (?:\( \) )?from\b)){_NAME}"
)
_OF_COLUMNS = re.compile(rf"comment on column {_NAME}")
_OF_SCHEMAS = re.compile(rf"(?:(?:create|drop|alter) {_HOW}schema {_IF}|use ){_NAME}")
_OF_CATALOGS = re.compile(rf"copy from database {_PART} to {_NAME}")
_MOVES = re.compile(r"set (?:(?:session|local|global) )?(?:schema|search_path) (?:=|to) '?(?P<name>[^']*)")
_WRITING = frozenset({"insert", "update", "delete", "merge"})
_READING = frozenset({"select", "from", "values", "table"})


def targets_of(sql: str) -> Iterator[Target]:
    """Give what each statement writes to; nothing for those that only read, and for what DuckDB cannot read.

    Args:
        sql: One statement or several. What a function does that a SELECT calls is not seen.
    """
    for statement in _statements(sql):
        before = _BEFORE.match(statement)
        text = statement[before.end() :] if before else statement
        if found := _OF_TABLES.match(text):
            yield _target(found["name"], inner=1)
        elif found := _OF_COLUMNS.match(text):
            yield _target(found["name"], inner=2)
        elif found := _OF_SCHEMAS.match(text):
            yield _target(found["name"], inner=0)
        elif found := _OF_CATALOGS.match(text):
            yield _target(f"{found['name']} . *", inner=0)
        elif found := _MOVES.match(text):
            for path in found["name"].split(","):
                yield _target(" . ".join(path.split(".")), inner=0)


def _target(name: str, *, inner: int) -> Target:
    """Read a dotted name whose last ``inner`` parts are no catalog or schema."""
    parts = [
        part[1:-1].replace('""', '"') if part.startswith('"') else part
        for part in re.findall(r'"(?:[^"]|"")*"|[^". ]+', name)
    ]
    return Target(".".join(parts), tuple(parts[: max(len(parts) - inner, 0)]))


def _statements(sql: str) -> Iterator[str]:
    """Give each statement as words in lower case with a space between, without what stands in parentheses."""
    words: list[str] = []
    depth = 0
    for word in _words(sql):
        depth -= word == ")"
        if word == ";":
            yield _without_its_ctes(words)
            words = []
        elif depth <= 0:
            words.append(word)
        depth += word == "("
    yield _without_its_ctes(words)


def _without_its_ctes(words: list[str]) -> str:
    if words[:1] == ["with"]:
        begin = next((at for at, word in enumerate(words) if word in _WRITING | _READING), 0)
        words = words[begin:]
    return " ".join(words)


def _words(sql: str) -> Iterator[str]:
    """Give words and signs; a name in quotes keeps them, and a text is kept where it may say where names lie."""
    import duckdb

    text = sql.encode()
    tokens = [*duckdb.tokenize(sql), (len(text), duckdb.token_type.comment)]
    moves = False
    for (begin, kind), (end, _) in pairwise(tokens):
        word = re.match(r'"(?:[^"]|"")*"?|\'(?:[^\']|\'\')*\'?|[\w$]+|\S', text[begin:end].decode())
        if kind == duckdb.token_type.comment or word is None:
            continue
        moves = moves or word[0].lower() in ("schema", "search_path")
        if kind != duckdb.token_type.string_const or moves:
            yield word[0].lower()
        else:
            yield "''"
