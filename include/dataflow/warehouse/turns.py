"""Turns on a DuckLake: who builds or publishes a workflow's models, or loads a table, does it alone.

DuckLake's transactions refuse what contradicts, but two that insert the same key do not contradict for it. A turn is
an advisory lock of PostgreSQL, which frees it when its holder is gone. Workflows never wait for one another.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from dataflow.durations import format_duration
from dataflow.errors import TransientError
from dataflow.masking import masked
from dataflow.warehouse.waits import WORTH_TELLING_SECONDS, tell_of_wait

if TYPE_CHECKING:
    import sqlalchemy as sa

    from dataflow.ducklake import DuckLake

__all__ = ["Turn", "TurnKept", "take_turn", "turn_of"]

LOG = logging.getLogger(__name__)


class TurnKept(TransientError):
    """Others kept the turn for longer than somebody was ready to wait."""


class Turn:
    """A turn that this process has, until it is ended."""

    def __init__(self, session: sa.Connection) -> None:
        self._session = session

    def end(self) -> None:
        """Let the next one have it; harmless where it was ended, or where PostgreSQL is gone and has freed it."""
        import sqlalchemy as sa

        with suppress(sa.exc.DBAPIError):
            self._session.close()


def take_turn(
    lake: DuckLake, name: str, *, timeout: timedelta, purpose: str, log: logging.Logger | None = None
) -> Turn:
    """Wait for the turn of that name.

    Args:
        lake: Whose PostgreSQL is asked.
        name: ``shop`` for a workflow's models, ``shop.orders`` for a loaded table.
        timeout: How long to wait at most.
        purpose: What for, as the log has it.
        log: Told of a wait that is worth telling.

    Raises:
        TurnKept: when others kept it for longer.
        TransientError: when PostgreSQL does not answer.
    """
    import sqlalchemy as sa

    began = time.monotonic()
    key = f"dataflow.warehouse.{lake.schema}.{name}"
    session = _connect(lake)
    try:
        milliseconds = max(1, int(timeout.total_seconds() * 1_000))
        session.exec_driver_sql(f"SET lock_timeout = {milliseconds}")
        session.execute(sa.select(sa.func.pg_advisory_lock(sa.func.hashtextextended(key, 0))))
    except sa.exc.OperationalError as exc:
        session.close()
        tell_of_wait(time.monotonic() - began)
        if "lock timeout" in str(exc.orig):
            raise TurnKept(
                f"to {purpose}: waited {format_duration(timeout)} for the turn of {name}, which others kept; "
                "raise DATAFLOW_LOCK_TIMEOUT if that is how long it takes"
            ) from None
        raise _unanswered(lake, exc) from None
    except BaseException:
        session.close()
        raise
    waited = time.monotonic() - began
    tell_of_wait(waited)
    if waited > WORTH_TELLING_SECONDS:
        (log or LOG).info("to %s: waited %.1f s for the turn of %s", purpose, waited, name)
    return Turn(session)


@contextmanager
def turn_of(
    lake: DuckLake, name: str, *, timeout: timedelta, purpose: str, log: logging.Logger | None = None
) -> Iterator[None]:
    """Have the turn while the block runs; see `take_turn`."""
    turn = take_turn(lake, name, timeout=timeout, purpose=purpose, log=log)
    try:
        yield
    finally:
        turn.end()


def _connect(lake: DuckLake) -> sa.Connection:
    """Open a session of its own, which notices within minutes that the other side is gone."""
    import sqlalchemy as sa
    from sqlalchemy.pool import NullPool

    catalog = lake.connection()
    url = sa.URL.create(
        "postgresql+psycopg2",
        username=catalog.login or None,
        password=catalog.password or None,
        host=catalog.host or None,
        port=catalog.port,
        database=catalog.schema,
        query=dict(catalog.extra),
    )
    alive = {"keepalives_idle": 60, "keepalives_interval": 20, "keepalives_count": 3}
    engine = sa.create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=alive)
    try:
        return engine.connect()
    except sa.exc.OperationalError as exc:
        raise _unanswered(lake, exc) from None


def _unanswered(lake: DuckLake, exc: sa.exc.OperationalError) -> TransientError:
    return TransientError(f"the warehouse {lake} does not answer: {masked(str(exc.orig)).strip()}")
