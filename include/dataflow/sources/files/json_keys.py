"""What the records of JSON files have: their keys, the declared paths, and numbers that may need their digits kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.identifiers import literal
from dataflow.sources.files.changed_numbers import Exact
from dataflow.sources.files.file_keys import pointer

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["RecordKeys", "keys_of_records"]

SAMPLE = 1_000
"""Records that are asked for the columns' paths before all are; as few are all that is asked of a small source."""


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """What is known of all records together. What is no object has no keys."""

    records: int
    keys: tuple[str, ...]
    """That any of them has, sorted."""
    missing: tuple[str, ...]
    """The columns whose path is in none of them."""
    have_fractions: bool
    """Whether a fraction may be in a column that keeps every digit."""
    have_fractions_in_texts: bool
    """Whether one may be in a column of texts."""


def keys_of_records(
    connection: DuckDBPyConnection, objects: str, paths: Mapping[str, str], *, exact: Exact
) -> RecordKeys:
    """Look at every record, in one pass where those that come later have no other keys than the first ones.

    Args:
        connection: Reads them.
        objects: The FROM clause that gives each record as ``json``.
        paths: Of some columns, where in a record they are: keys, joined by dots.
        exact: The columns that keep every digit.

    Raises:
        duckdb.Error: when a file is not JSON.
    """
    few = f"(select json from {objects} limit {SAMPLE})"
    seen, _ = _asked_of(connection, few, paths, exact=exact, known="true")
    keys = _all_keys(connection, few)
    if seen.records == SAMPLE:
        rest = {name: paths[name] for name in seen.missing}
        seen, are_known = _asked_of(connection, objects, rest, exact=exact, known=_has_keys_of(connection, few, keys))
        keys = keys if are_known else _all_keys(connection, objects)
    return RecordKeys(
        seen.records,
        keys,
        seen.missing if seen.records else (),
        seen.have_fractions,
        seen.have_fractions_in_texts,
    )


def _asked_of(
    connection: DuckDBPyConnection, objects: str, paths: Mapping[str, str], *, exact: Exact, known: str
) -> tuple[RecordKeys, bool]:
    """Give in one pass all but the keys, and whether ``known`` holds for each record."""
    asked = "".join(f", bool_or(json_exists(json, {literal(pointer(path.split('.')))}))" for path in paths.values())
    fractions = f"bool_or({exact.may_be_there}), bool_or({exact.may_be_in_texts})"
    number, are_fractions, are_in_texts, are_known, *are_there = connection.execute(
        f"select count(*), {fractions}, bool_and({known}){asked} from {objects}"
    ).fetchall()[0]
    missing = tuple(name for name, is_there in zip(paths, are_there, strict=True) if not is_there)
    return RecordKeys(number, (), missing, bool(are_fractions), bool(are_in_texts)), bool(are_known)


def _all_keys(connection: DuckDBPyConnection, objects: str) -> tuple[str, ...]:
    keys = f"select list(distinct key order by key) from (select unnest(json_keys(json)) as key from {objects})"
    return tuple(connection.execute(keys).fetchall()[0][0] or ())


def _has_keys_of(connection: DuckDBPyConnection, few: str, keys: Sequence[str]) -> str:
    """Give the SQL that tells of a record whether it has no other keys; quickly, where it has those of the first."""
    (usual,) = connection.execute(f"select json_keys(json) from {few} limit 1").fetchall()[0]
    first, all_of_them = (f"[{', '.join(map(literal, each or ()))}]::VARCHAR[]" for each in (usual, keys))
    return f"case when json_keys(json) = {first} then true else list_has_all({all_of_them}, json_keys(json)) end"
