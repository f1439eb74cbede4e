"""Run history that nobody reads any more.

Runs stay, each a row: windows and marks follow from them. So do stages that say that a batch was landed, for marks
ask for them too. What goes is what happened within old runs: stages, results of checks and their sample rows,
anomalies. A workflow with rows that wait in quarantine keeps it all: a replay asks what its runs did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from dataflow.ops.history import open_history
from dataflow.ops.runs import now
from dataflow.ops.tables import anomalies, check_results, check_samples, quarantine, runs, stages

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["ALWAYS_KEPT", "expire"]

ALWAYS_KEPT = 100
"""Runs of each workflow whose story stays however old it is; checks compare with earlier runs."""
AT_ONCE = 200


def expire(settings: Settings, dry_run: bool) -> list[str]:
    """Delete the stories of runs that ended more than ``DATAFLOW_KEEP_HISTORY`` ago, but of the newest."""
    history = open_history(settings.ops)
    place = sa.func.row_number().over(partition_by=runs.c.workflow, order_by=runs.c.created_at.desc())
    ranked = sa.select(runs.c.workflow, runs.c.run_id, runs.c.status, runs.c.ended_at, place.label("place")).subquery()
    old = sa.select(ranked.c.workflow, ranked.c.run_id).where(
        ranked.c.place > ALWAYS_KEPT,
        ranked.c.status != "OPEN",
        ranked.c.ended_at < now() - settings.keep_history,
        ranked.c.workflow.not_in(_with_rows_to_replay()),
    )
    with history.read() as connection:
        ended = [(row.workflow, row.run_id) for row in connection.execute(old)]
    told = []
    for table in (stages, check_results, check_samples, anomalies):
        count = 0
        for first in range(0, len(ended), AT_ONCE):
            of_them = sa.tuple_(table.c.workflow, table.c.run_id).in_(ended[first : first + AT_ONCE])
            kept = [table.c.stage != "INGESTED"] if table is stages else []
            if dry_run:
                with history.read() as connection:
                    query = sa.select(sa.func.count()).select_from(table).where(of_them, *kept)
                    count += connection.execute(query).scalar_one()
            else:
                with history.write() as connection:
                    count += connection.execute(sa.delete(table).where(of_them, *kept)).rowcount
        told += [f"{count} rows of {table.name}"] if count else []
    return told


def _with_rows_to_replay() -> sa.Select[tuple[str]]:
    """Give the workflows with rows that wait in quarantine, or with a replay that did not get to its end."""
    waiting = sa.select(quarantine.c.workflow).where(
        quarantine.c.replayed_by.is_(None), quarantine.c.superseded_by.is_(None)
    )
    unfinished = sa.select(runs.c.workflow).where(runs.c.replay_of.is_not(None), runs.c.status != "COMPLETED")
    both = waiting.union(unfinished).subquery()
    return sa.select(both.c.workflow)
