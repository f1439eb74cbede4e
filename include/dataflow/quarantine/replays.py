"""Replays as run history keeps them: which batch stands for another since rows came back into it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from dataflow.errors import TransientError
from dataflow.interval import Interval
from dataflow.ops.history import History
from dataflow.ops.runs import RunRecord, now, read_row
from dataflow.ops.tables import quarantine, replays, runs, stages

__all__ = [
    "Load",
    "Loads",
    "bases_of",
    "loads_since",
    "mark_replayed",
    "narrow_replay",
    "place_batch",
    "standing_batch",
    "unfinished_replays",
]


@dataclass(frozen=True, slots=True)
class Load:
    """A run's last load of a table."""

    run_id: str
    window: Interval
    ranges: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Loads:
    """Who loaded a table, in the order of time; replays load as the run whose rows they put back, and are left out."""

    loads: tuple[Load, ...]
    places: tuple[int, ...]
    """Of each; they grow with time."""
    own: Mapping[str, int]
    """By run_id, also of runs that are left out."""

    def after(self, run_id: str) -> Sequence[Load]:
        """Give what other runs loaded after the run did, or after its last stage where it loaded nothing."""
        return self.loads[bisect_right(self.places, self.own.get(run_id, 0)) :]


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


def loads_since(history: History, workflow: str, *, run_ids: Collection[str], tables: Sequence[str]) -> Loads:
    """Give each run's last load of these tables, from the first of the named runs on."""
    of_it = (
        stages.c.workflow == workflow,
        stages.c.stage == "TRANSFORMED",
        stages.c.outcome == "succeeded",
        stages.c.table_name.in_(tables),
    )
    last = sa.func.max(stages.c.id).label("place")
    own = sa.select(stages.c.run_id, last).where(*of_it, stages.c.run_id.in_(run_ids)).group_by(stages.c.run_id)
    with history.read() as connection:
        places: dict[str, int] = {row.run_id: row.place for row in connection.execute(own)}
        if unloaded := [run_id for run_id in run_ids if run_id not in places]:
            # It has not come so far, or failed before: what others loaded earlier is not later than what it read.
            begun = sa.select(stages.c.run_id, last).where(stages.c.workflow == workflow, stages.c.run_id.in_(unloaded))
            places |= {row.run_id: row.place for row in connection.execute(begun.group_by(stages.c.run_id))}
        first = min(places.values(), default=0)
        since = (
            sa.select(stages.c.run_id, last).where(*of_it, stages.c.id >= first).group_by(stages.c.run_id).subquery()
        )
        query = (
            sa.select(runs.c.run_id, runs.c.window_start, runs.c.window_end, runs.c.ranges, since.c.place)
            .join(since, runs.c.run_id == since.c.run_id)
            .where(runs.c.workflow == workflow, runs.c.replay_of.is_(None), runs.c.window_start.is_not(None))
            .order_by(since.c.place)
        )
        found = connection.execute(query).all()
    loads = (Load(row.run_id, Interval(row.window_start, row.window_end), _ranges(row.ranges)) for row in found)
    return Loads(tuple(loads), tuple(row.place for row in found), places)


def _ranges(kept: Mapping[str, dict[str, str]]) -> dict[str, Interval]:
    return {source: Interval.from_json(span) for source, span in kept.items()}
