"""Replays as run history keeps them: which batch stands for another since rows came back into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from dataflow.errors import TransientError
from dataflow.interval import Interval
from dataflow.ops.history import History
from dataflow.ops.runs import RunRecord, find_run, now, read_row
from dataflow.ops.tables import quarantine, replays, runs, stages

__all__ = [
    "LaterLoad",
    "bases_of",
    "later_loads",
    "mark_replayed",
    "narrow_replay",
    "place_batch",
    "standing_batch",
    "unfinished_replays",
]


@dataclass(frozen=True, slots=True)
class LaterLoad:
    """Another run's load of a table, after the run in question loaded it."""

    run_id: str
    window: Interval
    ranges: Mapping[str, Interval]


def standing_batch(connection: sa.Connection, uri: str) -> str:
    """Give the batch that stands for the one which a run's own task left: itself, until rows came back into it."""
    query = sa.select(replays.c.uri).where(replays.c.base_uri == uri).order_by(replays.c.id.desc()).limit(1)
    found: str | None = connection.execute(query).scalar()
    return found or uri


def place_batch(
    connection: sa.Connection,
    run: RunRecord,
    *,
    table: str,
    numbers: Sequence[int],
    rows: int,
    base: str,
    built_on: str,
    uri: str,
) -> None:
    """Let a batch stand for that of the run that is replayed, from the end of the caller's transaction on.

    Raises:
        TransientError: when another one stands for it by now than the one that this was built on.
    """
    if standing_batch(connection, base) != built_on:
        raise TransientError(f"another replay changed the batch of {table} meanwhile; replay again")
    common = {
        "workflow": run.workflow,
        "run_id": run.replay_of,
        "table_name": table,
        "replayed_by": run.run_id,
        "base_uri": base,
        "uri": uri,
        "rows": rows,
        "replayed_at": now(),
    }
    connection.execute(sa.insert(replays), [{**common, "quarantine_id": number} for number in numbers])


def mark_replayed(connection: sa.Connection, numbers: Sequence[int], *, by: str) -> None:
    """Write who replayed the records.

    Raises:
        TransientError: when one of them no longer waits; nothing may be written then.
    """
    waiting = (quarantine.c.replayed_by.is_(None), quarantine.c.superseded_by.is_(None))
    marked = connection.execute(
        sa.update(quarantine).where(quarantine.c.id.in_(numbers), *waiting).values(replayed_by=by)
    )
    if marked.rowcount != len(numbers):
        raise TransientError("somebody else replayed or judged these rows meanwhile; look again at what is open")


def bases_of(connection: sa.Connection, run_id: str) -> dict[str, str]:
    """Give for each table that a replay put rows back into the batch that it was before any replay."""
    query = sa.select(replays.c.table_name, replays.c.base_uri).where(replays.c.replayed_by == run_id)
    return {row.table_name: row.base_uri for row in connection.execute(query)}


def unfinished_replays(history: History, workflow: str) -> list[RunRecord]:
    """Give the replays that put rows back into a batch and did not get to the end, the earliest first."""
    begun = sa.select(quarantine.c.replayed_by).where(quarantine.c.workflow == workflow)
    query = sa.select(runs).where(
        runs.c.workflow == workflow,
        runs.c.replay_of.is_not(None),
        runs.c.status.in_(("OPEN", "FAILED")),
        runs.c.run_id.in_(begun.where(quarantine.c.replayed_by.is_not(None))),
    )
    with history.read() as connection:
        return [read_row(row) for row in connection.execute(query.order_by(runs.c.created_at)).mappings()]


def narrow_replay(connection: sa.Connection, run: RunRecord, ranges: Mapping[str, Interval]) -> None:
    """Write what a replay loads of each incremental source, where later runs have read a part of it since."""
    values = {source: span.to_json() for source, span in ranges.items()}
    where = (runs.c.workflow == run.workflow, runs.c.run_id == run.run_id)
    connection.execute(sa.update(runs).where(*where).values(ranges=values))


def later_loads(history: History, workflow: str, *, run_id: str, tables: Sequence[str]) -> list[LaterLoad]:
    """Give the other runs that loaded one of these tables after the run did, each once, the last one last."""
    of_it = (
        stages.c.workflow == workflow,
        stages.c.stage == "TRANSFORMED",
        stages.c.outcome == "succeeded",
        stages.c.table_name.in_(tables),
    )
    with history.read() as connection:
        own = connection.execute(sa.select(sa.func.max(stages.c.id)).where(*of_it, stages.c.run_id == run_id)).scalar()
        others = (*of_it, stages.c.id > (own or 0), stages.c.run_id != run_id)
        later = sa.select(stages.c.run_id).where(*others).group_by(stages.c.run_id).order_by(sa.func.max(stages.c.id))
        found = [find_run(connection, workflow, run_id=row.run_id) for row in connection.execute(later)]
    return [
        LaterLoad(run.run_id, run.window, run.ranges)
        for run in found
        if run is not None and run.window is not None and run.replay_of is None
    ]
