"""What is read of a database: a table or a query, as SQL that stands behind FROM."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dataflow.errors import ContractError
from dataflow.identifiers import quote
from dataflow.interval import Interval
from dataflow.near_miss import near_words
from dataflow.spec.sources import DatabaseSource

__all__ = ["Relation", "first_rows", "no_such_table", "relation_of"]

MAX_SHOWN = 20
MAX_NEAR = 3


@dataclass(frozen=True, slots=True)
class Relation:
    """One table or query."""

    shown: str
    """How messages name it."""
    sql: str
    """What stands behind FROM, with a name of its own: ``q``."""
    name: str | None
    """As the config has it, for a table; None for a query."""
    cursor_column: str | None = None
    cursor: Interval | None = None
    """The range that the database itself is asked for; None for a query, which says so itself."""


def relation_of(source: DatabaseSource, table: str, *, cursor: Interval | None) -> Relation:
    """Give what the source reads; its templates are rendered."""
    if source.table is None:
        query = (source.query or "").rstrip().rstrip(";")
        return Relation(f"the query of {table}", f"({query}\n) AS q", None)
    column = source.incremental.cursor if source.incremental else None
    return Relation(source.table, f"{quoted(source.table)} AS q", source.table, column, cursor)


def first_rows(relation: Relation, count: int) -> Relation:
    """Give a few rows of a relation: whichever the database finds first."""
    return Relation(relation.shown, f"(select * from {relation.sql} limit {count}) AS first_rows", None)


def quoted(name: str) -> str:
    """Quote each part of ``schema.table``."""
    return ".".join(quote(part) for part in name.split("."))


def no_such_table(relation: Relation, there: Iterable[Sequence[str]]) -> ContractError:
    """Say that a table is not there, with those that are; each as its parts."""
    names = {".".join(parts): parts[-1].lower() for parts in there}
    bare = (relation.name or "").split(".")[-1].lower()
    near = near_words(bare, sorted(set(names.values())), most=MAX_NEAR)
    found = [name for word in near for name, last in names.items() if last == word][:MAX_NEAR]
    if found:
        return ContractError(f"there is no table {relation.shown}; did you mean {' or '.join(found)}?")
    shown = ", ".join(list(names)[:MAX_SHOWN]) or "none that this login may read"
    return ContractError(f"there is no table {relation.shown}; there are {shown}")
