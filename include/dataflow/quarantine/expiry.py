"""Records that are over and old: deleted, and their files with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from dataflow.ops.runs import now
from dataflow.ops.tables import corrections, quarantine, runs
from dataflow.quarantine.orphans import sweep_quarantine

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from dataflow.ops.history import History
    from dataflow.s3.place import S3Place

__all__ = ["expire_quarantine"]


def expire_quarantine(
    history: History, landing: Path | S3Place, *, older_than: timedelta, dry_run: bool = False
) -> int:
    """Delete records that were replayed or superseded and are older than that, with their files; give their number.

    One that another run superseded, which may have waited for long, stays for that time from then on.
    What still waits for somebody is never deleted, nor what a replay that did not get to its end put back. Corrections
    go that no run came upon for so long, or that somebody let be forgotten: they count, too.
    """
    over = sa.or_(quarantine.c.replayed_by.is_not(None), quarantine.c.superseded_by.is_not(None))
    unfinished = sa.select(runs.c.run_id).where(runs.c.replay_of.is_not(None), runs.c.status != "COMPLETED")
    half_done = sa.and_(quarantine.c.replayed_by.is_not(None), quarantine.c.replayed_by.in_(unfinished))
    since = sa.func.coalesce(quarantine.c.superseded_at, quarantine.c.quarantined_at)
    old = since < sa.literal(now() - older_than, quarantine.c.quarantined_at.type)
    found = (over, ~half_done, old)
    with history.read() as connection:
        numbers = [row.id for row in connection.execute(sa.select(quarantine.c.id).where(*found))]
        unused = [row.id for row in connection.execute(sa.select(corrections.c.id).where(_is_unused(older_than)))]
    if (numbers or unused) and not dry_run:
        with history.write() as connection:
            connection.execute(sa.delete(quarantine).where(quarantine.c.id.in_(numbers)))
            connection.execute(sa.delete(corrections).where(corrections.c.id.in_(unused)))
        sweep_quarantine(history, landing)  # the files are old, and nobody names them any more
    return len(numbers) + len(unused)


def _is_unused(older_than: timedelta) -> sa.ColumnElement[bool]:
    last = sa.func.coalesce(corrections.c.forgotten_at, corrections.c.used_at, corrections.c.made_at)
    return last < sa.literal(now() - older_than, corrections.c.made_at.type)
