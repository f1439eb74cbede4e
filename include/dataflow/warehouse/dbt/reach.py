"""How far SQL of dbt models reaches: the warehouse, the workflow's seeds and what the house names, and nothing else.

DuckDB's own lock says so for the whole database that dbt has open; it cannot be undone while that is open. Where the
database can reach further than DuckDB's lock knows, as of a lake, statements are looked at before they run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.duckdb_extensions import load_extension
from dataflow.identifiers import literal
from dataflow.s3.place import S3Place
from dataflow.warehouse.secrets import secret_of_store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    Place = Path | S3Place | str

__all__ = ["SETTING", "explain_refusal", "is_remote", "lock_in", "make_reachable", "refuse_detour"]

SETTING = "DATAFLOW_MODELS_MAY_REACH"

_CHANGEABLE = (
    *("TimeZone", "Calendar", "threads", "worker_threads", "memory_limit", "max_memory", "preserve_insertion_order"),
    *("default_null_order", "null_order", "default_order", "ieee_floating_point_ops", "integer_division"),
    *("scalar_subquery_error_on_multiple_rows", "order_by_non_integer_literal", "old_implicit_casting"),
    *("pivot_limit", "pivot_filter_threshold", "max_expression_depth", "partitioned_write_max_open_files"),
)
"""What a hook may still set: how queries are read and run, nothing of where they reach."""

_OF_SERVERS = frozenset(
    {
        *("postgres_attach", "postgres_configure_pool", "postgres_execute", "postgres_query", "postgres_scan"),
        *("postgres_scan_pushdown", "read_postgres_binary", "pg_clear_cache"),
        *("query", "query_table", "json_execute_serialized_sql"),
    }
)
"""Functions that ask any PostgreSQL server, or read SQL and names out of a text, where nobody sees them."""
_CATALOG = "__ducklake_metadata_"
_SEARCH_PATH = re.compile(r"\bset (?:(?:session|local|global) )?(?:search_path|schema)\b")
_SECRET = re.compile(r"\b(?:create|drop) (?:or replace )?(?:(?:temp|temporary|persistent) )?secret\b")

_INSERTED = re.compile(r"\binsert into (?:\w+ \. )*(\w+) \(")

_CLOSED = re.compile(r'[Cc]annot access (?:file|directory) ("[^"]*") - file system operations are disabled by config')
_LOADING = re.compile(r"Loading external extensions is disabled|Attaching \w+ databases is disabled")
_SETTINGS = re.compile(
    r"the configuration has been locked|when enable_external_access is disabled|"
    r"(?:has been disabled by configuration|while database is running)\s*$"
)
_WAYS_OUT = (
    f"SQL of dbt models reaches the warehouse and the workflow's seeds alone; take it in as a source, or let {SETTING} "
    "name the file, folder or address"
)


def is_remote(place: Place) -> bool:
    """Tell whether a place lies behind the network."""
    return not isinstance(place, Path)


def make_reachable(connection: DuckDBPyConnection, places: Sequence[Place]) -> None:
    """Load and tell DuckDB what it takes to reach the places that the house names.

    Raises:
        FatalError: when nobody knows the connection of a bucket.
    """
    if any(map(is_remote, places)):
        load_extension(connection, "httpfs")
    for number, place in enumerate(places):
        if isinstance(place, S3Place):
            secret = secret_of_store(f"dataflow_reach_{number}", place, scope=_address(place), setting=SETTING)
            connection.execute(secret)


def lock_in(connection: DuckDBPyConnection, places: Iterable[Place], *, changeable: Iterable[str] = ()) -> None:
    """Close the database to all but its own files and the places, for every connection, until it is closed.

    Harmless where it was done before; what was allowed then stays.

    Args:
        connection: Of a database with all attached and loaded that it needs.
        places: Files, or folders and prefixes with all below them.
        changeable: Settings that may be changed beside the harmless ones.
    """
    row = connection.execute("SELECT current_setting('enable_external_access')").fetchone()
    if row is None or not row[0]:
        return
    allowed = ", ".join(literal(_address(place)) for place in places)
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    names = ", ".join(literal(name) for name in (*_CHANGEABLE, *changeable))
    connection.execute(f"SET allowed_configs = [{names}]")
    connection.execute("SET lock_configuration = true")


def _address(place: Place) -> str:
    if isinstance(place, S3Place):
        return f"s3://{place.bucket}/{place.key}".rstrip("/")
    return str(place.resolve()) if isinstance(place, Path) else place


def refuse_detour(sql: str, *, of_lake: bool) -> None:
    """Refuse statements that reach further, around DuckDB's own lock.

    Args:
        sql: One statement or several.
        of_lake: Whether the database speaks to the PostgreSQL of a lake's catalog; else it reaches addresses alone.

    Raises:
        duckdb.PermissionException: when there is one; the text says what, and what to do.
    """
    import duckdb

    tokens = list(_tokens(sql))
    text = " ".join(tokens)
    found = "" if _SECRET.search(text) is None else "secrets are the house's"
    if of_lake and not found:
        if _CATALOG in sql.lower() or _SEARCH_PATH.search(text):
            found = "the lake's catalog is its own; name schemas and tables in full"
        elif called := sorted(_called(tokens) & _OF_SERVERS):
            found = f"{called[0]}(...) reaches further than its words say"
    if found:
        raise duckdb.PermissionException(f"{found}; {_WAYS_OUT}")


def _tokens(sql: str) -> Iterator[str]:
    """Give a statement's words in lower case, without comments and texts; one that is quoted is given bare."""
    import duckdb

    text = sql.encode()
    found = [*duckdb.tokenize(sql), (len(text), duckdb.token_type.operator)]
    for (begin, kind), (end, _) in pairwise(found):
        if kind not in (duckdb.token_type.comment, duckdb.token_type.string_const):
            word = re.split(r"\s|--|/\*", text[begin:end].decode(), maxsplit=1)[0]
            yield word.lower().strip('"')


def _called(tokens: Sequence[str]) -> set[str]:
    """Give the names before a parenthesis, but that of a table with its columns: ``insert into shop.query (id)``."""
    inserted = {match[1] for match in _INSERTED.finditer(" ".join(tokens))}
    return {word for word, after in pairwise(tokens) if after.startswith("(")} - inserted


def explain_refusal(text: str) -> str:
    """Give what DuckDB says of SQL that reached too far, and the way out; empty for any other error."""
    if place := _CLOSED.search(text):
        return f"Permission Error: cannot access {place[1]}: {_WAYS_OUT}"
    first = text.split("\n", maxsplit=1)[0].rstrip()
    if _LOADING.search(first):
        return f"{first}: {_WAYS_OUT}. Extensions and databases of the whole house belong into dbt/profiles.yml"
    if _SETTINGS.search(first):
        return f"{first}: while models are built, settings of how far SQL reaches are fixed"
    return ""
