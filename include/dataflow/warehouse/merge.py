"""Merging a batch by key: one row a key, the newest, whatever the order of loads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.duckdb_memory import memory_of
from dataflow.errors import ContractError
from dataflow.identifiers import quote
from dataflow.near_miss import did_you_mean
from dataflow.sensitive import HIDDEN, NOTHING_SENSITIVE, Sensitive
from dataflow.warehouse.columns import columns_of, is_own_column

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["merge_rows"]

MAX_SHOWN = 5
BYTES_OF_A_ROW = 200
"""Of memory for each row of a batch that is compared at once: measured at the least memory, with a number for a key;
a long text takes more."""
WINNERS = '"_dataflow_winners"'


def merge_rows(
    connection: DuckDBPyConnection,
    relation: str,
    *,
    batch: str,
    columns: Mapping[str, str],
    name: str,
    key: Sequence[str],
    newest_by: str | None,
    sensitive: Sensitive = NOTHING_SENSITIVE,
) -> int:
    """Merge a batch into a table of at least its columns, within the transaction that is open; give the rows written.

    An older row never overwrites a newer one; on a tie that of the later window stays, and within one window the
    one that is loaded last. Without ``newest_by`` the batch's rows stay.

    Raises:
        ContractError: when the key or ``newest_by`` is absent or NULL in a row, or when rows of one key differ and
            none is the newest.
    """
    _require_values(connection, batch, columns=columns, name=name, needed=[*key, *([newest_by] if newest_by else [])])
    written = 0
    for part in _parts(connection, relation, batch=batch, key=key):
        rows = f"(SELECT * FROM {batch} AS batch{part.of_batch})" if part.of_batch else batch
        settled = _has_repeated_keys(connection, rows, key)
        if settled:
            rows = _settle_batch(
                connection, rows, columns=columns, name=name, key=key, newest_by=newest_by, sensitive=sensitive
            )
        same_key = " AND ".join(f"loaded.{quote(column)} = batch.{quote(column)}" for column in key) + part.of_loaded
        connection.execute(
            f"DELETE FROM {relation} AS loaded USING {rows} AS batch WHERE {same_key}{_is_newer(newest_by)}"
        )
        answer = connection.execute(
            f"INSERT INTO {relation} BY NAME "
            f"SELECT * FROM {rows} AS batch WHERE NOT EXISTS (SELECT 1 FROM {relation} AS loaded WHERE {same_key})"
        ).fetchone()
        if settled:
            connection.execute(f"DROP TABLE {rows}")
        written += int(answer[0]) if answer else 0
    return written


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows whose keys are compared at once, as conditions on the batch and on the table; both empty for all rows."""

    of_batch: str = ""
    of_loaded: str = ""


def _parts(connection: DuckDBPyConnection, relation: str, *, batch: str, key: Sequence[str]) -> Iterator[_Part]:
    """Part the keys by their hashes where a join of all of them would not fit into memory.

    The table is read once more for each part, so there are no more than memory asks for.
    """
    row = connection.execute(f"SELECT count(*) FROM {batch}").fetchone()
    parts = -(-int(row[0]) * BYTES_OF_A_ROW // memory_of(connection)) if row else 1
    if parts <= 1:
        yield _Part()
        return
    # Equal keys of different types, a narrower one in the batch, have different hashes.
    types = {name.lower(): kind for name, kind in columns_of(connection, relation).items()}
    of_batch = ", ".join(f"CAST(batch.{quote(name)} AS {types[name.lower()]})" for name in key)
    of_loaded = ", ".join(f"loaded.{quote(name)}" for name in key)
    for number in range(parts):
        yield _Part(f" WHERE hash({of_batch}) % {parts} = {number}", f" AND hash({of_loaded}) % {parts} = {number}")


def _is_newer(newest_by: str | None) -> str:
    """Say when the batch's row replaces the loaded one of its key."""
    if newest_by is None:
        return ""
    loaded, batch = f"loaded.{quote(newest_by)}", f"batch.{quote(newest_by)}"
    # NULL where the column is newer than the row: anything is newer than a row of unknown age.
    return (
        f" AND ({loaded} IS NULL OR {batch} > {loaded} OR ({batch} = {loaded}"
        " AND (batch._dataflow_window_end, batch._dataflow_window_start)"
        " >= (loaded._dataflow_window_end, loaded._dataflow_window_start)))"
    )


def _require_values(
    connection: DuckDBPyConnection, batch: str, *, columns: Mapping[str, str], name: str, needed: Sequence[str]
) -> None:
    known = [column for column in columns if not is_own_column(column)]
    spelled = {column.lower() for column in known}
    for column in needed:
        if column.lower() not in spelled:
            hint = did_you_mean(column, known) or f"it has {', '.join(known)}"
            raise ContractError(f"{name}: `merge` needs the column {column!r}, which the batch does not have; {hint}")
    counts = connection.execute(
        f"SELECT {', '.join(f'count(*) - count({quote(column)})' for column in needed)} FROM {batch}"
    ).fetchone()
    missing = [f"{column} is NULL in {count}" for column, count in zip(needed, counts or (), strict=True) if count]
    if missing:
        raise ContractError(
            f"{name}: {' and '.join(missing)} rows; `merge` needs a value in each row: filter such rows in the "
            "transform, or have a check refuse them"
        )


def _has_repeated_keys(connection: DuckDBPyConnection, batch: str, key: Sequence[str]) -> bool:
    columns = _list(key)
    found = connection.execute(f"SELECT 1 FROM {batch} GROUP BY {columns} HAVING count(*) > 1 LIMIT 1").fetchone()
    return found is not None


def _settle_batch(
    connection: DuckDBPyConnection,
    batch: str,
    *,
    columns: Mapping[str, str],
    name: str,
    key: Sequence[str],
    newest_by: str | None,
    sensitive: Sensitive,
) -> str:
    """Keep the newest row of each key in a table of its own; equal rows count as one."""
    data = [column for column in columns if not is_own_column(column)]
    own = [f"max({quote(column)}) AS {quote(column)}" for column in columns if is_own_column(column)]
    newest = (
        f"QUALIFY {quote(newest_by)} = max({quote(newest_by)}) OVER (PARTITION BY {_list(key)})" if newest_by else ""
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {WINNERS} AS SELECT {_list(data)}, {', '.join(own)} "
        f"FROM (SELECT * FROM {batch} {newest}) GROUP BY {_list(data)}"
    )
    unsettled = connection.execute(
        f"SELECT {_list(key)} FROM {WINNERS} GROUP BY {_list(key)} HAVING count(*) > 1 "
        f"ORDER BY {_list(key)} LIMIT {MAX_SHOWN + 1}"
    ).fetchall()
    if unsettled:
        shown = "; ".join(_show(key, values, sensitive) for values in unsettled[:MAX_SHOWN])
        more = "; and more" if len(unsettled) > MAX_SHOWN else ""
        tie = f" and the same {newest_by}" if newest_by else ""
        raise ContractError(
            f"{name}: unequal rows of one key{tie} in one batch: {shown}{more}; `deduplicate` in the transform "
            "says which one stays"
        )
    return WINNERS


def _show(key: Sequence[str], values: Iterable[object], sensitive: Sensitive) -> str:
    return ", ".join(
        f"{column} = {HIDDEN if sensitive.hides(column) else value}" for column, value in zip(key, values, strict=True)
    )


def _list(columns: Iterable[str]) -> str:
    return ", ".join(quote(column) for column in columns)
