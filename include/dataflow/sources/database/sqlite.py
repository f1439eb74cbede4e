"""SQLite: any column may hold any kind of value, so all come as text, exactly, and are cast as strictly as a CSV's.

What a column is declared as in SQLite says the type that it is cast to where the config declares none.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote as quote_path

from dataflow.duckdb_extensions import load_extension
from dataflow.errors import ContractError, FatalError, StepError, TransientError
from dataflow.identifiers import literal, quote
from dataflow.sources.contract.columns import Found, check_found, refuse_reserved
from dataflow.sources.database.relation import Relation, no_such_table
from dataflow.sources.reading import RawColumn, Reading
from dataflow.spec.sources import AS_DECLARED, SchemaContract

if TYPE_CHECKING:
    import duckdb

__all__ = ["sqlite_columns", "sqlite_reading"]

ATTACHED = "dataflow_source"
BUSY_SECONDS = 30
"""How long another program may hold the file."""
DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
TEXT = re.compile(r"CHAR|CLOB|TEXT")
DECLARED = (
    (re.compile(r"INT"), "BIGINT"),
    (TEXT, "VARCHAR"),
    (re.compile(r"BLOB|BINARY|BYTEA"), "BLOB"),
    (re.compile(r"REAL|FLOA|DOUB"), "DOUBLE"),
    (re.compile(r"^BOOL"), "BOOLEAN"),
    (re.compile(r"^TIMESTAMP ?TZ|WITH TIME ZONE"), "TIMESTAMP WITH TIME ZONE"),
    (re.compile(r"^(?:DATETIME|TIMESTAMP)"), "TIMESTAMP"),
    (re.compile(r"^DATE"), "DATE"),
    (re.compile(r"^TIME"), "TIME"),
    (re.compile(r"^JSON"), "JSON"),
    (re.compile(r"^(?:UUID|GUID|UNIQUEIDENTIFIER)"), "UUID"),
)
"""SQLite's own rules come first; then what people write, which to SQLite is a number."""
MOMENTS = ("DATE", "TIMESTAMP")
AS_TEXT = "case typeof({0}) when 'real' then {1} else cast({0} as text) end"
EVERY_DIGIT = "printf('%!.20g', {0})"
"""SQLite does not round its last digits well; twenty are enough for each to be read back as it was."""
AS_WRITTEN = (
    f"case when cast(printf('%!.15g', {{0}}) as real) = {{0}} then printf('%!.15g', {{0}}) else {EVERY_DIGIT} end"
)
"""Where a decimal is meant, 1.1 is no 1.1000000000000000888."""


def sqlite_reading(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    relation: Relation,
    declared: Mapping[str, str],
    *,
    log: logging.Logger,
    contract: SchemaContract = AS_DECLARED,
) -> Reading:
    """Give the rows of a table or query.

    Raises:
        ContractError: when the table or a column is not there, or SQLite refuses the query.
        FatalError: when the file is not there, or is no database.
        TransientError: when another program holds the file for long.
    """
    found = sqlite_columns(file, relation)
    others = Found()
    if declared:
        others = check_found(relation.shown, declared, found=list(found), log=log, contract=contract)
    refuse_reserved(relation.shown, declared or found)
    types = {name: type_of(kind) for name, kind in found.items() if not declared or name in {*declared, *others.read}}
    expressions = [_expression(name, kind, declared=found[name]) for name, kind in types.items()]
    select = ", ".join(f"{expression} as c{number}" for number, expression in enumerate(expressions))
    query = f"select {select} from {relation.sql}{_filter(relation, found)}"
    _attach(connection, file)
    columns = tuple(
        RawColumn(name, f"c{number}", "BLOB" if kind == "BLOB" else "VARCHAR", declared.get(name, kind))
        for number, (name, kind) in enumerate(types.items())
    )
    values = ", ".join(
        f"unhex({column.raw}) as {column.raw}" if column.kind == "BLOB" else str(column.raw) for column in columns
    )
    rows = f"(select {values} from sqlite_query({literal(ATTACHED)}, {literal(query)}))"
    return Reading(
        lambda _: rows,
        others.landed_of(columns, declared),
        shown=relation.shown,
        explain=lambda error: _read_error(error, relation),
        undeclared=others.judged_of(columns),
        left_out=others.left_out,
    )


def sqlite_columns(file: Path, relation: Relation) -> dict[str, str]:
    """Give each column with what SQLite has it declared as; empty text for an expression.

    Raises:
        ContractError: when the table is not there, or SQLite refuses the query.
        FatalError: when the file is not there, or is no database.
        TransientError: when another program holds the file for long.
    """
    with _opened(file) as database, _told(relation):
        if relation.name is not None:
            there = database.execute("select name from sqlite_master where type in ('table', 'view') order by name")
            names = [name for (name,) in there]
            bare = relation.name.removeprefix("main.")
            if bare.lower() not in {name.lower() for name in names}:
                raise no_such_table(relation, [(name,) for name in names if not name.startswith("sqlite_")])
        database.execute(f"create temp view dataflow_described as select * from {relation.sql}")
        rows = database.execute("pragma table_info(dataflow_described)").fetchall()
    return {name: str(kind or "").upper() for _, name, kind, *_ in rows}


def type_of(declared: str) -> str:
    """Give the DuckDB type for what SQLite has a column declared as."""
    decimal = DECIMAL.match(declared)
    if decimal is not None and 0 < int(decimal[1]) <= 38 and int(decimal[2] or 0) <= int(decimal[1]):
        return f"DECIMAL({decimal[1]},{decimal[2] or 0})"
    return next((kind for form, kind in DECLARED if form.search(declared)), "VARCHAR")


def _expression(name: str, kind: str, *, declared: str) -> str:
    column = quote(name)
    if kind == "BLOB":
        return f"case when {column} is null then null else hex({column}) end"
    if kind == "VARCHAR" and TEXT.search(declared):  # SQLite itself keeps no number there
        return column
    return AS_TEXT.format(column, (EVERY_DIGIT if kind == "DOUBLE" else AS_WRITTEN).format(column))


def _attach(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    load_extension(connection, "sqlite_scanner")
    connection.execute(
        f"attach {literal(str(file))} as {quote(ATTACHED)} (type sqlite, read_only, busy_timeout {BUSY_SECONDS * 1000})"
    )


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    if not file.is_file():
        raise FatalError(f"there is no SQLite database {file}; correct the URL's path")
    with closing(sqlite3.connect(f"file:{quote_path(str(file))}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as database:
        yield database


@contextmanager
def _told(relation: Relation) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _error(str(error), relation) from None


def _error(text: str, relation: Relation) -> StepError:
    said = " ".join(text.split())[:500]
    if "locked" in said or "busy" in said:
        return TransientError(f"{relation.shown}: another program holds the SQLite database: {said}")
    if "not a database" in said or "malformed" in said or "unable to open" in said:
        return FatalError(f"{relation.shown}: the SQLite database cannot be read: {said}")
    return ContractError(f"{relation.shown}: SQLite refuses this: {said}")


def _read_error(error: duckdb.Error, relation: Relation) -> StepError | None:
    import duckdb

    text = str(error)
    if isinstance(error, duckdb.ConversionException):
        return None  # its text quotes the value, in which any word may stand
    if "locked" in text or "busy" in text or "Failed to prepare query" in text:
        return _error(text.rpartition('": ')[2], relation)
    if "Invalid unicode" in text:
        return ContractError(
            f"{relation.shown}: a text is not UTF-8; declare its column as BLOB in SQLite, or use hex()"
        )
    return None


def _filter(relation: Relation, found: Mapping[str, str]) -> str:
    """Ask for the cursor's range, a second wider; what SQLite cannot read as a moment comes too, and is judged here."""
    kind = type_of(found.get(relation.cursor_column or "", ""))
    if relation.cursor is None or not kind.startswith(MOMENTS):
        return ""
    column, second = f"datetime({quote(relation.cursor_column or '')})", timedelta(seconds=1)
    first, last = _moment(relation.cursor.start - second), _moment(relation.cursor.end + second)
    return f" where {column} between {first} and {last} or {column} is null"


def _moment(moment: datetime) -> str:
    return literal(moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))
