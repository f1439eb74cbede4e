"""PostgreSQL: asked through DuckDB's scanner, in one statement, so that all rows are of one moment.

libpq looks first: it says which columns there are and of which type, and tells errors by their code. DuckDB then copies
the rows; the statement is ours, for its own reading of a table loses digits (see `postgres_types`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.duckdb_extensions import load_extension
from dataflow.errors import ContractError
from dataflow.identifiers import literal, quote
from dataflow.sources.contract.columns import Found, check_found, refuse_reserved
from dataflow.sources.database.address import Address
from dataflow.sources.database.postgres_errors import connect_error, read_error, statement_error
from dataflow.sources.database.postgres_types import PostgresColumn, PostgresType, wanted
from dataflow.sources.database.relation import Relation, no_such_table
from dataflow.sources.reading import RawColumn, Reading
from dataflow.spec.sources import AS_DECLARED, SchemaContract

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["postgres_columns", "postgres_reading"]

ATTACHED = "dataflow_source"
CONNECT_TIMEOUT = "30"
"""Seconds, for an address that never answers."""
CURSOR_TYPES = {"timestamptz": "timestamptz", "timestamp": "timestamp", "date": "timestamp"}
"""By the type of a cursor: that of the moments it is compared with, so that an index is used."""
NO_TABLE = ("42P01", "3F000")
"""Codes: no such table, no such schema."""
TABLES = """
    select n.nspname, c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
      and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    order by 1, 2 limit 5000
"""
TYPES = """
    select t.oid, t.typname, t.typtype, e.typname
    from pg_catalog.pg_type t left join pg_catalog.pg_type e on e.oid = t.typelem and t.typcategory = 'A'
    where t.oid = any(%s)
"""


def postgres_reading(
    connection: DuckDBPyConnection,
    address: Address,
    relation: Relation,
    declared: Mapping[str, str],
    *,
    log: logging.Logger,
    contract: SchemaContract = AS_DECLARED,
) -> Reading:
    """Give the rows of a table or query.

    Raises:
        ContractError: when the table or a column is not there, or the server refuses the query.
        FatalError: when the server refuses the login.
        TransientError: when the server is not there, or has no place for us now.
    """
    found = postgres_columns(address, relation)
    others = Found()
    if declared:
        there = [column.name for column in found]
        others = check_found(relation.shown, declared, found=there, log=log, contract=contract)
    refuse_reserved(relation.shown, declared or [column.name for column in found])
    columns = [column for column in found if not declared or column.name in {*declared, *others.read}]
    asked = {column.name: wanted(column, declared.get(column.name)) for column in columns}
    loose = [name for name, each in asked.items() if each.is_loose and name not in declared]
    if loose:
        log.info(
            "%s: %s: numeric without a precision, landed as text, exactly; declare DECIMAL(p,s) or DOUBLE to compute",
            relation.shown,
            ", ".join(loose),
        )
    # By position: DuckDB does not tell "Id" from "id".
    select = ", ".join(f"{each.expression} as c{number}" for number, each in enumerate(asked.values()))
    query = f"select {select} from {relation.sql}{_filter(relation, found)}"
    rows = f"postgres_query({literal(ATTACHED)}, {literal(query)})"
    kinds = _attach(connection, address, relation, rows=rows)
    raw = tuple(
        RawColumn(name, place, kind, declared.get(name) or each.default)
        for (name, each), (place, kind) in zip(asked.items(), kinds, strict=True)
    )
    return Reading(
        lambda _: rows,
        others.landed_of(raw, declared),
        shown=relation.shown,
        explain=lambda error: read_error(error, address, relation),
        undeclared=others.judged_of(raw),
        left_out=others.left_out,
    )


def postgres_columns(address: Address, relation: Relation) -> list[PostgresColumn]:
    """Ask the server what the columns are.

    Raises:
        ContractError: when the table is not there, or the server refuses the query.
        FatalError: when the server refuses the login.
        TransientError: when the server is not there, or has no place for us now.
    """
    import psycopg2  # type: ignore[import-untyped]

    with _session(address) as cursor:
        try:
            cursor.execute(f"select * from {relation.sql} limit 0")
            described = list(cursor.description or ())
            cursor.execute(TYPES, ([column.type_code for column in described],))
            types = {oid: PostgresType(name, kind, element) for oid, name, kind, element in cursor.fetchall()}
        except psycopg2.Error as error:
            if error.pgcode not in NO_TABLE or relation.name is None:
                raise statement_error(error, address, relation) from None
            there = _tables(cursor, address, relation)
            raise no_such_table(relation, there) from None
    names = [column.name for column in described]
    twice = {name for name in names if names.count(name) > 1}
    if twice or not names:
        what = f"two columns are named {', '.join(sorted(twice))}; name each by `as`" if twice else "it has no columns"
        raise ContractError(f"{relation.shown}: {what}")
    return [PostgresColumn(each.name, types[each.type_code], each.precision, each.scale) for each in described]


def _tables(cursor: Any, address: Address, relation: Relation) -> list[tuple[str, str]]:
    import psycopg2

    try:
        cursor.execute(TABLES)
        return list(cursor.fetchall())
    except psycopg2.Error as error:
        raise statement_error(error, address, relation) from None


@contextmanager
def _session(address: Address) -> Iterator[Any]:
    import psycopg2

    try:
        opened = psycopg2.connect(**_parameters(address))
    except (psycopg2.Error, UnicodeError) as error:
        raise connect_error(error, address) from None
    with closing(opened):
        try:
            opened.set_session(readonly=True, autocommit=True)
            cursor = opened.cursor()
        except psycopg2.Error as error:
            raise connect_error(error, address) from None
        yield cursor


def _parameters(address: Address) -> dict[str, str]:
    """Give what libpq is told, by its own names."""
    url = address.url
    given = {"host": url.host, "port": url.port, "dbname": url.database, "user": url.username, "password": url.password}
    named = {name: str(value) for name, value in given.items() if value is not None}
    options = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    return {"connect_timeout": CONNECT_TIMEOUT, "application_name": "dataflow", **options, **named}


def _attach(
    connection: DuckDBPyConnection, address: Address, relation: Relation, *, rows: str
) -> Sequence[tuple[str, str]]:
    """Attach the database for reading only, its password as a secret, and give the columns of the rows."""
    import duckdb
    from psycopg2.extensions import make_dsn  # type: ignore[import-untyped]

    parameters = _parameters(address)
    password = parameters.pop("password", None)
    load_extension(connection, "postgres_scanner")
    try:
        secret = ""
        if password is not None:
            connection.execute(f"create or replace secret {ATTACHED} (type postgres, password {literal(password)})")
            secret = f", secret {ATTACHED}"
        connection.execute(
            f"attach {literal(make_dsn(**parameters))} as {quote(ATTACHED)} (type postgres, read_only{secret})"
        )
        return [(row[0], row[1]) for row in connection.execute(f"describe select * from {rows}").fetchall()]
    except duckdb.Error as error:
        raise read_error(error, address, relation) or error from None


def _filter(relation: Relation, found: Sequence[PostgresColumn]) -> str:
    """Ask for the cursor's range alone; rows without a cursor come too, so that they are told."""
    kind = next((column.type.name for column in found if column.name == relation.cursor_column), None)
    if relation.cursor is None or kind not in CURSOR_TYPES:
        return ""
    column, form = quote(relation.cursor_column or ""), CURSOR_TYPES[kind]
    first, last = (_moment(moment, form) for moment in (relation.cursor.start, relation.cursor.end))
    return f" where ({column} >= {first} and {column} < {last}) or {column} is null"


def _moment(moment: datetime, form: str) -> str:
    # A time without a zone is taken as UTC, as everywhere in landing.
    utc = moment.astimezone(UTC)
    return f"{form} {literal((utc if form == 'timestamptz' else utc.replace(tzinfo=None)).isoformat())}"
