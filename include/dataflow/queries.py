"""SQL of ours and of authors, run on a DuckDB connection: one statement at a time, with errors that can be read."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from dataflow.identifiers import quote
from dataflow.near_miss import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb

__all__ = [
    "CLOSED",
    "RESERVED_PREFIX",
    "columns_of",
    "columns_of_query",
    "duckdb_message",
    "find_column",
    "refuse_reach",
    "relation_sql",
    "run_single",
    "single_select",
]

RESERVED_PREFIX = "_dataflow"
"""Column names that begin so are ours: which run and window a row came with."""

CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "lock_configuration": True,
}
"""The configuration of a database in memory in which SQL of authors is only looked at: even to describe a query, DuckDB
opens the files and addresses that it names, and the variables of the Python that asks."""

REACHING = frozenset(
    {
        *("enable_logging", "disable_logging", "truncate_duckdb_logs", "enable_profiling", "disable_profiling"),
        *("checkpoint", "force_checkpoint", "query", "json_execute_serialized_sql"),
        *("arrow_scan", "arrow_scan_dumb", "pandas_scan", "python_map_function", "seq_scan"),
    }
)
"""Functions of DuckDB's that a SELECT may call though they read no rows: they change the database or the process (a log
in a closed folder ends it at once), run SQL out of a text, or follow a pointer."""
_CALLED = re.compile(r'"((?:[^"]|"")*)"|(\w+)')

MAX_MESSAGE = 600


def relation_sql(relation: str) -> str:
    """Quote a relation's name; ``batch.orders`` is the table ``orders`` of the schema ``batch``."""
    return quote(*relation.split("."))


def columns_of_query(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, str]]:
    """Give the names and DuckDB types of a query's columns, in order; a name may be there twice."""
    described = connection.execute(f"DESCRIBE {query}").fetchall()
    return [(str(row[0]), str(row[1])) for row in described]


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Give the names and DuckDB types of a relation's columns, in order."""
    return dict(columns_of_query(connection, f"SELECT * FROM {relation_sql(relation)}"))


def find_column(columns: Mapping[str, str] | Iterable[str], name: str) -> str:
    """Give the column as the table spells it; DuckDB does not tell upper from lower case.

    Raises:
        ValueError: when there is none; the text names the nearest and all that exist.
    """
    spelled = {column.lower(): column for column in columns}
    found = spelled.get(name.lower())
    if found is not None:
        return found
    near = did_you_mean(name, spelled.values())
    hint = f"; {near}" if near else ""
    raise ValueError(f"no column '{name}'{hint} (there are: {', '.join(spelled.values())})")


def single_select(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Give the query without its semicolon, ready to stand in parentheses.

    A comment may end the text, so the closing parenthesis belongs on a line of its own.

    Raises:
        ValueError: when the text is not exactly one SELECT.
        duckdb.Error: when it does not parse.
    """
    import duckdb

    statements = connection.extract_statements(sql)
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        found = ", ".join(statement.type.name for statement in statements) or "nothing"
        raise ValueError(f"write exactly one SELECT; found {found}")
    refuse_reach(sql)
    text = statements[0].query.encode()
    for offset, kind in duckdb.tokenize(text.decode()):
        if kind == duckdb.token_type.operator and text[offset : offset + 1] == b";":
            return text[:offset].decode()
    return text.decode()


def run_single(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
    """Run SQL that holds an author's expression, and only if it is still one statement.

    Raises:
        ValueError: when the expression smuggled in a second statement, or calls what no workflow may.
        duckdb.Error: as DuckDB says.
    """
    refuse_reach(sql)
    if len(connection.extract_statements(sql)) != 1:
        raise ValueError("an expression may not hold a semicolon")
    return connection.execute(sql)


def refuse_reach(sql: str) -> None:
    """Refuse a PRAGMA, which DuckDB takes for a SELECT, and calls of functions that do more than read rows.

    Raises:
        ValueError: when there is one; the text names it.
    """
    import duckdb

    text = sql.encode()
    tokens = [offset for offset, kind in duckdb.tokenize(sql) if kind != duckdb.token_type.comment]
    if tokens and text[tokens[0] : tokens[0] + 6].lower() == b"pragma":
        raise ValueError("write exactly one SELECT; found PRAGMA")
    for offset, after in pairwise(tokens):
        if text[after : after + 1] == b"(" and (called := _CALLED.match(text[offset:after].decode())):
            name = (called[1] or called[2] or "").lower()
            if name in REACHING:
                raise ValueError(f"{name}(...) may not be called here: it does more than read rows")


def duckdb_message(error: Exception) -> str:
    """Give the error's text on one line, bounded, without our own SQL and without every overload of a function."""
    text = str(error).split("\nLINE ", maxsplit=1)[0].split("Candidate functions:", maxsplit=1)[0]
    text = " ".join(text.split())
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
