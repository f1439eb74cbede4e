"""Which try of a task counts: the one that its engine started last, however late the others come to write.

An engine takes a task for dead that is only slow, and starts it again. Numbers alone do not tell which of two tries is
the newer: a run that is deleted and begins anew under its id counts its tries from 1 again, while run history keeps
those of before. Nor does the order of their begins: one that stalled first writes its begin last. So an engine that
takes tasks for dead gives each start an ``attempt``, which grows from one to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa

from dataflow.errors import TrySuperseded
from dataflow.ops.tables import stages

if TYPE_CHECKING:
    from dataflow.ops.history import History

__all__ = ["Try", "require_last_try", "require_may_begin", "require_newest"]


class Try(Protocol):
    """One try of one task of a run."""

    @property
    def workflow(self) -> str:
        """Whose run."""

    @property
    def run_id(self) -> str:
        """Which run."""

    @property
    def task_id(self) -> str:
        """Which task."""

    @property
    def try_number(self) -> int:
        """From 1, also when the run is deleted and begins anew."""

    @property
    def attempt(self) -> str | None:
        """Of the engine: greater than that of every start before; None where it takes no task for dead."""


def require_newest(history: History, of: Try) -> None:
    """See that no later try of the task began, before something is written that is not run history's.

    Raises:
        TrySuperseded: when one did; this one may change nothing then.
    """
    with history.read() as connection:
        require_last_try(connection, of)


def require_may_begin(connection: sa.Connection, of: Try) -> None:
    """See that no later try of the task began, before this one does; without an attempt it is the last as it begins.

    Raises:
        TrySuperseded: when one did.
    """
    if of.attempt is not None:
        require_last_try(connection, of)


def require_last_try(connection: sa.Connection, of: Try) -> None:
    """See as `require_newest` does that no later try of the task began, within the caller's transaction."""
    of_task = (stages.c.workflow == of.workflow, stages.c.run_id == of.run_id, stages.c.task_id == of.task_id)
    this = (stages.c.try_number == of.try_number, stages.c.attempt.is_not_distinct_from(of.attempt))
    began_since = stages.c.id > sa.select(sa.func.max(stages.c.id)).where(*of_task, *this).scalar_subquery()
    if of.attempt is None:
        is_later = sa.and_(stages.c.try_number > of.try_number, began_since)
    else:
        # Two machines' clocks may say that a try was started before the one that it follows: its number knows better.
        numbered = stages.c.try_number >= of.try_number
        is_later = sa.and_(stages.c.attempt > of.attempt, sa.or_(numbered, began_since))
    query = sa.select(stages.c.try_number).where(*of_task, is_later).order_by(stages.c.id.desc()).limit(1)
    by = connection.execute(query).scalar()
    if by is not None:
        raise TrySuperseded(of.run_id, of.task_id, of.try_number, by)
