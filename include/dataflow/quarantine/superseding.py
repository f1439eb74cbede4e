"""Records that no longer count, because something judged their rows anew: a later try of their run, or another run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from dataflow.ops.runs import lock_workflow, now
from dataflow.ops.tables import quarantine, replays
from dataflow.ops.tries import require_last_try

if TYPE_CHECKING:
    from dataflow.ops.history import History
    from dataflow.quarantine.records import QuarantineKey

__all__ = ["let_wait_again", "supersede_earlier", "supersede_quarantined", "supersede_records"]


def supersede_earlier(history: History, key: QuarantineKey) -> None:
    """Let what the run quarantined of the table before this try no longer count; a first run costs one look.

    Also what it quarantined before it was deleted and began anew under its id: its tries count from 1 again.

    Raises:
        TrySuperseded: when a later try of the task began.
    """
    found = sa.select(quarantine.c.id).where(*_counting(key), ~_is_of_this_try(key), _is_judged_by(key))
    with history.read() as connection:
        is_there = connection.execute(found.limit(1)).first() is not None
    if is_there:
        with history.write() as connection:
            supersede_quarantined(connection, key)


def supersede_quarantined(connection: sa.Connection, key: QuarantineKey, *, with_this_try: bool = False) -> None:
    """Let what the run quarantined of the table before no longer count, for this try judged the rows anew.

    A try of ``ingest`` reads every row again. One of ``validate`` judges again what ingest landed, so rows that
    ingest quarantined and that somebody replayed into the batch of the earlier try wait again, and no batch stands for
    that one any more.

    Raises:
        TrySuperseded: when a later try of the task began; nothing that this one found may be written then.
    """
    lock_workflow(connection, key.workflow)  # a later try that begins from here on comes after this transaction
    require_last_try(connection, key)
    before = (*_counting(key), *(() if with_this_try else (~_is_of_this_try(key),)))
    if key.stage == "validate":
        connection.execute(sa.update(quarantine).where(*before, ~_MADE_SINCE).values(replayed_by=None))
        of_run = (replays.c.workflow == key.workflow, replays.c.run_id == key.run_id)
        connection.execute(sa.delete(replays).where(*of_run, replays.c.table_name == key.table))
        before = (*before, _MADE_SINCE)
    told = f"{key.task_id}, try {key.try_number}"[:250]
    connection.execute(sa.update(quarantine).where(*before).values(superseded_by=told, superseded_at=None))


_MADE_SINCE = sa.or_(quarantine.c.stage == "validate", quarantine.c.from_id.is_not(None))
"""What was quarantined since ``ingest``."""


_IS_OF_ANOTHER_RUN = quarantine.c.superseded_at.is_not(None)
"""Superseded by another run, and so only as long as that one's load is the later."""


def _counting(key: QuarantineKey) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        quarantine.c.workflow == key.workflow,
        quarantine.c.run_id == key.run_id,
        quarantine.c.table_name == key.table,
        sa.or_(quarantine.c.superseded_by.is_(None), _IS_OF_ANOTHER_RUN),
    )


def _is_of_this_try(key: QuarantineKey) -> sa.ColumnElement[bool]:
    return sa.and_(
        quarantine.c.task_id == key.task_id,
        quarantine.c.try_number == key.try_number,
        quarantine.c.attempt.is_not_distinct_from(key.attempt),
    )


def _is_judged_by(key: QuarantineKey) -> sa.ColumnElement[bool]:
    """What a try of this stage changes: all, or with ``validate`` not what ingest left to wait."""
    if key.stage == "ingest":
        return sa.true()
    return sa.or_(_MADE_SINCE, quarantine.c.replayed_by.is_not(None))


def supersede_records(connection: sa.Connection, numbers: Sequence[int], *, by: str) -> int:
    """Let those of the records that still wait no longer count, for another run has read their rows again.

    Gives how many they were.
    """
    waiting = (quarantine.c.superseded_by.is_(None), quarantine.c.replayed_by.is_(None))
    closed = {"superseded_by": by[:250], "superseded_at": now()}
    return connection.execute(
        sa.update(quarantine).where(quarantine.c.id.in_(numbers), *waiting).values(closed)
    ).rowcount


def let_wait_again(history: History, workflow: str, *, run_id: str, table: str) -> None:
    """Let what another run had read again wait again: the run whose rows they are has loaded its batch once more."""
    closed = (
        quarantine.c.workflow == workflow,
        quarantine.c.run_id == run_id,
        quarantine.c.table_name == table,
        _IS_OF_ANOTHER_RUN,
    )
    with history.write() as connection:
        lock_workflow(connection, workflow)
        connection.execute(sa.update(quarantine).where(*closed).values(superseded_by=None, superseded_at=None))
