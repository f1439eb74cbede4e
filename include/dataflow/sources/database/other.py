"""Any other database: SQLAlchemy and its driver, the rows streamed to scratch in batches, so that memory stays flat."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.errors import ContractError, FatalError, StepError, TransientError
from dataflow.masking import masked
from dataflow.sources.columns import Found, check_found, reads_undeclared, refuse_reserved
from dataflow.sources.database.address import Address
from dataflow.sources.database.relation import Relation, no_such_table
from dataflow.sources.parquet_files import read_parquet_files
from dataflow.sources.python_rows import spool_rows
from dataflow.sources.reading import RawColumn, Reading
from dataflow.spec.sources import AS_DECLARED, SchemaContract

if TYPE_CHECKING:
    import sqlalchemy as sa
    from duckdb import DuckDBPyConnection

__all__ = ["other_readings"]

ROWS_AT_ONCE = 10_000
MARGIN = timedelta(seconds=1)


def other_readings(
    connection: DuckDBPyConnection,
    address: Address,
    relation: Relation,
    declared: Mapping[str, str],
    *,
    scratch: Path,
    log: logging.Logger,
    contract: SchemaContract = AS_DECLARED,
) -> Sequence[Reading]:
    """Give the rows of a table or query, spooled.

    Raises:
        ContractError: when the table or a column is not there, or the database refuses the query.
        FatalError: when the driver is not installed.
        TransientError: when the database is not there, or breaks off.
    """
    with _connected(address, relation) as opened:
        result = opened.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE).execute(
            _statement(opened, relation)
        )
        names = list(result.keys())
        others = Found()
        if declared:
            others = check_found(relation.shown, declared, found=names, log=log, contract=contract)
        refuse_reserved(relation.shown, declared or names)
        if len(set(names)) < len(names):
            raise ContractError(f"{relation.shown}: two columns have one name; name each by `as`")
        batches = ([dict(row) for row in rows] for rows in result.mappings().partitions(ROWS_AT_ONCE))
        kept = () if reads_undeclared(contract) else declared.keys()
        spool = spool_rows(lambda: batches, scratch, declared=kept, shown=relation.shown)
    wanted: dict[str, str | None] = dict(declared)
    for name in others.landed if declared else names:
        wanted[name] = "JSON" if name in spool.json_names else None
    if not spool.rows:
        return [Reading(lambda _: "range(0)", tuple(RawColumn(n, None, "VARCHAR", k) for n, k in wanted.items()))]
    return read_parquet_files(
        connection, spool.files, wanted, options={}, log=log, may_be_absent=wanted.keys(), contract=contract
    )


@contextmanager
def _connected(address: Address, relation: Relation) -> Iterator[sa.Connection]:
    import sqlalchemy as sa

    try:
        engine = sa.create_engine(address.url, poolclass=sa.NullPool, hide_parameters=True)
    except (sa.exc.ArgumentError, ImportError) as error:
        raise FatalError(
            f"{address.shown} needs a driver of SQLAlchemy for {address.url.drivername}: {masked(str(error))}; "
            "install it where tasks run"
        ) from None
    try:
        with engine.connect() as opened:
            yield opened
    except sa.exc.DBAPIError as error:
        raise _error(error, address, relation) from None
    finally:
        engine.dispose()


def _error(error: sa.exc.DBAPIError, address: Address, relation: Relation) -> StepError:
    import sqlalchemy as sa

    said = masked(" ".join(str(error.orig).split()))[:500]
    if error.connection_invalidated or isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError)):
        return TransientError(f"{relation.shown}: {address.shown} broke off: {said}")
    return ContractError(f"{relation.shown}: the database refuses this: {said}")


def _statement(opened: sa.Connection, relation: Relation) -> sa.Executable:
    import sqlalchemy as sa

    if relation.name is None:
        return sa.text(relation.sql[1 : relation.sql.rindex(")")].replace(":", r"\:"))
    *schema, name = relation.name.split(".")
    try:
        table = sa.Table(name, sa.MetaData(), schema=".".join(schema) or None, autoload_with=opened)
    except sa.exc.NoSuchTableError:
        inspector = sa.inspect(opened)
        there = [*inspector.get_table_names(*schema[-1:]), *inspector.get_view_names(*schema[-1:])]
        raise no_such_table(relation, [(*schema, each) for each in there]) from None
    statement = sa.select(table)
    column = table.c.get(relation.cursor_column) if relation.cursor_column else None
    if relation.cursor is None or column is None:
        return statement
    # A second wider: some databases round the moments that they are given or hold. What is too much is cut later.
    span = (relation.cursor.start - MARGIN, relation.cursor.end + MARGIN)
    first, last = (_moment(moment, column.type) for moment in span)
    return statement if first is None else statement.where(sa.or_(column.between(first, last), column.is_(None)))


def _moment(moment: datetime, kind: sa.types.TypeEngine[Any]) -> date | None:
    """Give what a column of this type is compared with; None where it is no moment."""
    import sqlalchemy as sa

    utc = moment.astimezone(UTC)
    if isinstance(kind, sa.DateTime):
        return utc if kind.timezone else utc.replace(tzinfo=None)
    return utc.date() if isinstance(kind, sa.Date) else None
