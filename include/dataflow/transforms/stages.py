"""Each kind of stage as DuckDB SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dataflow.errors import ContractError
from dataflow.identifiers import literal, quote
from dataflow.queries import columns_of_query, single_select
from dataflow.transforms.rows import Rows, is_reserved, refuse_twins
from dataflow.transforms.timestamps import normalize_timestamps

if TYPE_CHECKING:
    from dataflow.spec.transforms import AddTimestamps, Deduplicate

__all__ = ["STAGES"]

# An author's expression may end in a comment: what follows it in our SQL begins a new line.


def _quoted(names: list[str]) -> str:
    return ", ".join(quote(name) for name in names)


def _deduplicate(rows: Rows, argument: Deduplicate) -> None:
    if argument.key is None:
        same, order = rows.own_columns, _quoted(rows.reserved_columns)
    else:
        same = [rows.find(name) for name in argument.key]
        # All columns break the tie, so that the row that stays does not hang on the order in which rows arrive.
        order = f"{argument.order_by}\n, {_quoted(list(rows.columns))}"
    order_by = f" ORDER BY {order}" if order else ""
    rows.compute(f"SELECT * FROM {rows.sql} QUALIFY row_number() OVER (PARTITION BY {_quoted(same)}{order_by}) = 1")


def _derive(rows: Rows, argument: Mapping[str, str]) -> None:
    """Compute columns in the order written; each expression sees those before it."""
    query, known = f"SELECT * FROM {rows.sql}", {column.lower() for column in rows.columns}
    for name, expression in argument.items():
        if is_reserved(name):
            rows.find(name)
        if name.lower() in known:
            query = f"SELECT * REPLACE (({expression}\n) AS {quote(name)}) FROM ({query}\n)"
        else:
            query = f"SELECT *, ({expression}\n) AS {quote(name)} FROM ({query}\n)"
        known.add(name.lower())
    rows.compute(query)


def _filter(rows: Rows, condition: str) -> None:
    rows.compute(f"SELECT * FROM {rows.sql} WHERE ({condition}\n)")


def _rename(rows: Rows, argument: Mapping[str, str]) -> None:
    new_names = {rows.find(old): new for old, new in argument.items()}
    for new in new_names.values():
        if is_reserved(new):
            rows.find(new)
    result = [new_names.get(column, column) for column in rows.columns]
    refuse_twins(result)
    columns = zip(rows.columns, result, strict=True)
    rows.project(f"SELECT {', '.join(f'{quote(old)} AS {quote(new)}' for old, new in columns)} FROM {rows.sql}")


def _select(rows: Rows, names: tuple[str, ...]) -> None:
    chosen = [rows.find(name) for name in names]
    refuse_twins(chosen)
    rows.project(f"SELECT {_quoted([*chosen, *rows.reserved_columns])} FROM {rows.sql}")


def _drop(rows: Rows, names: tuple[str, ...]) -> None:
    dropped = {rows.find(name) for name in names}
    left = [column for column in rows.own_columns if column not in dropped]
    if not left:
        raise ValueError("no column would be left")
    rows.project(f"SELECT {_quoted([column for column in rows.columns if column not in dropped])} FROM {rows.sql}")


def _cast(rows: Rows, argument: Mapping[str, str]) -> None:
    types = {rows.find(name): kind for name, kind in argument.items()}
    for column, kind in types.items():
        _refuse_misfits(rows, column, kind=kind)
    casts = ", ".join(f"CAST({quote(column)} AS {kind}\n) AS {quote(column)}" for column, kind in types.items())
    rows.compute(f"SELECT * REPLACE ({casts}) FROM {rows.sql}")


def _refuse_misfits(rows: Rows, column: str, *, kind: str) -> None:
    name = quote(column)
    misfit = f"{name} IS NOT NULL AND TRY_CAST({name} AS {kind}\n) IS NULL"
    total, bad, example = _one_row(
        rows,
        f"SELECT count(*), count(*) FILTER (WHERE {misfit}), "
        f"left(min(CAST({name} AS VARCHAR)) FILTER (WHERE {misfit}), 100) FROM {rows.sql}",
    )
    if bad:
        raise ContractError(
            f"{column}: {rows.shown(column, example)} does not fit {kind} ({bad} of {total} rows do not)"
        )


def _unnest(rows: Rows, name: str) -> None:
    column = rows.find(name)
    kind, items = rows.columns[column], quote(column)
    if kind == "JSON":
        items = f"CAST({items} AS JSON[])"
    elif not kind.endswith("]"):
        raise ContractError(f"{column} is {kind}, not a list; `unnest` takes lists")
    elif not kind.endswith("[]"):
        items = f"CAST({items} AS {kind[: kind.rindex('[')]}[])"  # an array of fixed length
    rows.compute(f"SELECT * REPLACE (unnest({items}) AS {quote(column)}) FROM {rows.sql}")


def _add_timestamps(rows: Rows, argument: AddTimestamps) -> None:
    name = argument.loaded_at
    if is_reserved(name):
        rows.find(name)
    refuse_twins([*rows.columns, name])
    moment = f"CAST({literal(rows.window.end.isoformat())} AS TIMESTAMPTZ)"
    rows.project(f"SELECT *, {moment} AS {quote(name)} FROM {rows.sql}")


def _sql(rows: Rows, text: str) -> None:
    rows.show_as_own_name()
    query = single_select(rows.connection, text)
    names = [name for name, _ in columns_of_query(rows.connection, query)]
    refuse_twins([name for name in names if not is_reserved(name)])
    # A join of two tables has our columns twice: the first table's are the rows' own.
    kept = {name.lower(): index for index, name in reversed(list(enumerate(names)))}
    picked = ", ".join(f"{quote(f'c{index}')} AS {quote(names[index])}" for index in sorted(kept.values()))
    positional = _quoted([f"c{index}" for index in range(len(names))])
    rows.compute(f"SELECT {picked} FROM ({query}\n) AS given({positional})")


def _one_row(rows: Rows, query: str) -> tuple[Any, ...]:
    found = rows.connection.execute(query).fetchone()
    return found or (0, 0, None)


STAGES: Mapping[str, Callable[[Rows, Any], None]] = {
    "deduplicate": _deduplicate,
    "normalize_timestamps": normalize_timestamps,
    "derive": _derive,
    "filter": _filter,
    "rename": _rename,
    "select": _select,
    "drop": _drop,
    "cast": _cast,
    "unnest": _unnest,
    "add_timestamps": _add_timestamps,
    "sql": _sql,
}
"""Every stage that is SQL alone; `python` and `check` are the caller's."""
