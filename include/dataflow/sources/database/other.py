"""Any other database: SQLAlchemy and its driver, the rows streamed to scratch in batches, so that memory stays flat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.errors import ContractError, FatalError, StepError, TransientError
from dataflow.foreign_sql import begins_to_read
from dataflow.masking import masked
from dataflow.sources.contract.columns import Found, check_found, reads_undeclared, refuse_reserved
from dataflow.sources.database.address import Address
from dataflow.sources.database.column_types import as_its_driver_gives, duckdb_type
from dataflow.sources.database.relation import Relation, no_such_table
from dataflow.sources.files.parquet_files import read_parquet_files
from dataflow.sources.python.rows import spool_rows
from dataflow.sources.reading import RawColumn, Reading
from dataflow.sources.so_far import SoFar
from dataflow.spec.sources import AS_DECLARED, SchemaContract

if TYPE_CHECKING:
    import sqlalchemy as sa
    from duckdb import DuckDBPyConnection

__all__ = ["other_readings"]

ROWS_AT_ONCE = 10_000
READ_ONLY = dict.fromkeys(("mysql", "mariadb"), "SET SESSION TRANSACTION READ ONLY")
"""By SQLAlchemy's dialect: what makes the database refuse to write. Of others only the login's rights do."""
IN_UTC = dict.fromkeys(("mysql", "mariadb"), "SET SESSION time_zone = '+00:00'")
"""By SQLAlchemy's dialect: what makes the database give its moments in UTC, where they carry no zone."""
MARGIN = timedelta(seconds=1)
REFUSED = re.compile(
    r"access denied|login failed|cannot open database|unknown database|not allowed to connect|invalid username|"
    r"authentication (?:has )?failed|failed authentication|authentication (?:plugin|protocol|method|type)|"
    r"no password supplied|is locked|ORA-(?:01017|01045|28000)|"
    r"(?:role|user|database) \"?.*\"? (?:does not exist|is not permitted)|"
    r"certificate (?:verify|verification|validation) fail|certificate (?:has )?(?:expired|unknown|required|revoked)|"
    r"(?:bad|invalid|self[- ]signed|valid client) certificate|"
    r"certificate .*(?:does not match|does not exist|not trusted)|"
    r"SSL is required|insecure transport",
    re.IGNORECASE,
)
"""Of a login: what no retry mends. Everything else may be over soon."""
MYSQL_PASSES = frozenset(
    {1021, 1037, 1038, 1040, 1041, 1042, 1043, 1053, 1114, 1129, 1135, 1152, 1153, *range(1154, 1162), 1184, 1203}
    | {1205, 1206, 1213, 1226, 1290, 1317, 1412, 1637, 1927, 1969}
)
"""Numbers of MySQL's and MariaDB's errors that another try may mend: no room, cut off, shut down, deadlock."""
MYSQL_DENIED = frozenset({1044, 1045, 1142, 1143, 1227, 1370})


def other_readings(
    connection: DuckDBPyConnection,
    address: Address,
    relation: Relation,
    declared: Mapping[str, str],
    *,
    scratch: Path,
    so_far: SoFar,
    contract: SchemaContract = AS_DECLARED,
    limit: int | None = None,
) -> Sequence[Reading]:
    """Give the rows of a table or query, spooled; ``limit`` gives a few alone, whichever come first.

    Raises:
        ContractError: when the table or a column is not there, or the database refuses the query.
        FatalError: when the driver is not installed.
        TransientError: when the database is not there, or breaks off.
    """
    with _connected(address, relation) as opened:
        statement, types = _statement(opened, relation, limit=limit)
        result = opened.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE).execute(statement)
        if not result.returns_rows:
            raise ContractError(f"{relation.shown} gives no rows, not even none; a source only reads")
        names = list(result.keys())
        others = Found()
        if declared:
            others = check_found(relation.shown, declared, found=names, log=so_far.log, contract=contract)
        refuse_reserved(relation.shown, declared or names)
        if len(set(names)) < len(names):
            raise ContractError(f"{relation.shown}: two columns have one name; name each by `as`")
        parts = result.mappings().partitions(ROWS_AT_ONCE)
        as_row = _with_times if opened.dialect.name in ("mysql", "mariadb") else dict
        batches = ([as_row(row) for row in rows][:limit] for rows in islice(parts, None if limit is None else 1))
        kept = () if reads_undeclared(contract) else declared.keys()
        texts = [name for name, kind in declared.items() if kind == "VARCHAR"]
        spool = spool_rows(lambda: batches, scratch, declared=kept, so_far=so_far, texts=texts)
    wanted: dict[str, str | None] = dict(declared)
    for name in others.landed if declared else names:
        wanted[name] = "JSON" if name in spool.json_names else types.get(name)
    if not spool.rows:
        return [Reading(lambda _: "range(0)", tuple(RawColumn(n, None, "VARCHAR", k) for n, k in wanted.items()))]
    readings = read_parquet_files(
        connection, spool.files, wanted, options={}, log=so_far.log, may_be_absent=wanted.keys(), contract=contract
    )
    return [replace(reading, left_out=others.left_out) for reading in readings]


@contextmanager
def _connected(address: Address, relation: Relation) -> Iterator[sa.Connection]:
    import sqlalchemy as sa

    try:
        engine = sa.create_engine(
            address.url, poolclass=sa.NullPool, hide_parameters=True, connect_args=dict(address.options)
        )
    except (sa.exc.ArgumentError, ImportError) as error:
        raise FatalError(
            f"{address.shown} needs a driver of SQLAlchemy for {address.url.drivername}: {masked(str(error))}; "
            "install it where tasks run"
        ) from None
    try:
        with _login(engine, address) as opened:
            for session in (IN_UTC, READ_ONLY):
                if (statement := session.get(engine.dialect.name)) is not None:
                    opened.exec_driver_sql(statement)
            opened.commit()  # that nothing is written holds from the next transaction on
            yield opened
    except sa.exc.DBAPIError as error:
        raise _error(error, address, relation) from None
    finally:
        engine.dispose()


def _login(engine: sa.Engine, address: Address) -> sa.Connection:
    import sqlalchemy as sa

    try:
        return engine.connect()
    except (TypeError, ValueError, FileNotFoundError) as error:
        given = f"extras ({', '.join(address.options)})" if address.options else "address"
        raise FatalError(f"{address.shown}: the driver does not take its {given}: {masked(str(error))}") from None
    except sa.exc.DBAPIError as error:
        said = _said(error)
        if REFUSED.search(said):
            raise FatalError(f"{address.shown} refuses the login: {said}") from None
        raise TransientError(f"{address.shown} cannot be reached, or broke off: {said}") from None


def _said(error: sa.exc.DBAPIError) -> str:
    return masked(" ".join(str(error.orig).split()))[:500]


def _error(error: sa.exc.DBAPIError, address: Address, relation: Relation) -> StepError:
    import sqlalchemy as sa

    said = _said(error)
    if (code := _mysql_code(error)) and 1000 <= code < 2000 and code not in MYSQL_PASSES:
        kind = FatalError if code in MYSQL_DENIED else ContractError
        return kind(f"{relation.shown}: the database refuses this: {said}")
    is_over_soon = code in MYSQL_PASSES or error.connection_invalidated
    if is_over_soon or isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError)):
        return TransientError(f"{relation.shown}: {address.shown} broke off: {said}")
    return ContractError(f"{relation.shown}: the database refuses this: {said}")


def _mysql_code(error: sa.exc.DBAPIError) -> int | None:
    """Give the server's number of an error, where it is one of MySQL's or MariaDB's, whose drivers class them oddly."""
    first = next(iter(getattr(error.orig, "args", ())), None)
    is_mysql = type(error.orig).__module__.partition(".")[0] in {"pymysql", "MySQLdb", "mysql", "mariadb"}
    return first if is_mysql and isinstance(first, int) else None


def _statement(
    opened: sa.Connection, relation: Relation, *, limit: int | None
) -> tuple[sa.Executable, dict[str, str | None]]:
    """Give what is asked, and of a table each column's type; of a query the values' types are all that is known."""
    import sqlalchemy as sa

    if relation.name is None:
        query = relation.sql[1 : relation.sql.rindex(")")]
        if not begins_to_read(query):
            raise FatalError(f"{relation.shown} begins with no SELECT, WITH or VALUES; a source only reads")
        return sa.text(query.replace(":", r"\:")), {}
    *schema, name = relation.name.split(".")
    try:
        table = sa.Table(name, sa.MetaData(), schema=".".join(schema) or None, autoload_with=opened)
    except sa.exc.NoSuchTableError:
        inspector = sa.inspect(opened)
        there = [*inspector.get_table_names(*schema[-1:]), *inspector.get_view_names(*schema[-1:])]
        raise no_such_table(relation, [(*schema, each) for each in there]) from None
    # Each database says it otherwise: LIMIT, TOP, FETCH FIRST.
    types = {column.name: duckdb_type(column.type, opened.dialect.name) for column in table.c}
    statement = sa.select(*[as_its_driver_gives(column) for column in table.c]).limit(limit)
    column = table.c.get(relation.cursor_column) if relation.cursor_column else None
    if relation.cursor is None or column is None:
        return statement, types
    # A second wider: some databases round the moments that they are given or hold. What is too much is cut later.
    span = (relation.cursor.start - MARGIN, relation.cursor.end + MARGIN)
    first, last = (_moment(moment, column.type) for moment in span)
    if first is not None:
        statement = statement.where(sa.or_(column.between(first, last), column.is_(None)))
    return statement, types


def _with_times(row: sa.RowMapping) -> dict[str, Any]:
    """Give a row in which a span within a day is a time, as MySQL's drivers do not tell one from the other."""
    return {name: _time(value) if isinstance(value, timedelta) else value for name, value in row.items()}


def _time(span: timedelta) -> time | str:
    if timedelta(0) <= span < timedelta(days=1):
        return (datetime.min.replace(tzinfo=UTC) + span).time()
    seconds, rest = divmod(abs(span), timedelta(seconds=1))
    sign = "-" if span < timedelta(0) else ""
    fraction = f".{rest.microseconds:06}" if rest else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


def _moment(moment: datetime, kind: sa.types.TypeEngine[Any]) -> date | None:
    """Give what a column of this type is compared with; None where it is no moment."""
    import sqlalchemy as sa

    utc = moment.astimezone(UTC)
    if isinstance(kind, sa.DateTime):
        return utc if kind.timezone else utc.replace(tzinfo=None)
    return utc.date() if isinstance(kind, sa.Date) else None
