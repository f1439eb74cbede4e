"""One row a run: its window and ranges, fixed once, and how it ended."""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dataflow.interval import Interval
from dataflow.ops.tables import runs, stages

__all__ = [
    "RunRecord",
    "RunStatus",
    "close_run",
    "completed_runs",
    "find_run",
    "find_runs",
    "forget_without_window",
    "here",
    "insert_run",
    "lock_workflow",
    "now",
    "open_runs",
    "reopen_run",
    "supersede_run",
    "superseding_run",
]

RunStatus = Literal["OPEN", "COMPLETED", "FAILED", "SUPERSEDED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run as history keeps it."""

    workflow: str
    run_id: str
    kind: str
    engine: str
    host: str
    created_at: datetime
    window_from: str
    """Where the window came from: ``ticks``, ``partition``, ``last_run`` or ``given``."""
    window: Interval | None
    """None when the run was superseded before it had one."""
    ranges: Mapping[str, Interval]
    """What each incremental source reads."""
    status: RunStatus = "OPEN"
    pid: int | None = None
    """Of the process of a local run."""
    domain: str | None = None
    partition_key: str | None = None
    reason: str | None = None
    superseded_by: str | None = None
    config_hash: str | None = None
    ended_at: datetime | None = None
    completed_at: datetime | None = None
    """When it first completed; a rerun that fails does not undo that its data was read."""
    replay_of: str | None = None
    """Of a replay: the run whose rows it puts back, and as whose it loads them."""


def now() -> datetime:
    """Give this moment in UTC."""
    return datetime.now(UTC)


def here() -> str:
    """Give this machine's name."""
    return socket.gethostname()


def find_runs(connection: sa.Connection, workflow: str, run_ids: Collection[str]) -> dict[str, RunRecord]:
    """Give those of the runs that are there, by their ids."""
    query = sa.select(runs).where(runs.c.workflow == workflow, runs.c.run_id.in_(run_ids))
    return {row["run_id"]: read_row(row) for row in connection.execute(query).mappings()}


def find_run(connection: sa.Connection, workflow: str, *, run_id: str) -> RunRecord | None:
    """Give the run, or None."""
    row = connection.execute(sa.select(runs).where(*_is(workflow, run_id))).mappings().one_or_none()
    return None if row is None else read_row(row)


def open_runs(connection: sa.Connection, workflow: str) -> list[RunRecord]:
    """Give the workflow's runs whose end nobody has written, the earliest window first."""
    query = sa.select(runs).where(runs.c.workflow == workflow, runs.c.status == "OPEN")
    return [read_row(row) for row in connection.execute(query.order_by(runs.c.window_start)).mappings()]


def completed_runs(connection: sa.Connection, workflow: str) -> list[RunRecord]:
    """Give the workflow's runs that ever completed and had a window, in the order in which they completed."""
    query = sa.select(runs).where(
        runs.c.workflow == workflow,
        runs.c.completed_at.is_not(None),
        runs.c.window_start.is_not(None),
        runs.c.replay_of.is_(None),  # it read nothing
    )
    ordered = query.order_by(runs.c.completed_at, runs.c.window_start, runs.c.run_id)
    return [read_row(row) for row in connection.execute(ordered).mappings()]


def ingested_sources(connection: sa.Connection, workflow: str) -> frozenset[tuple[str, str]]:
    """Give each run and source of which that run once landed a batch."""
    query = sa.select(stages.c.run_id, stages.c.table_name).distinct()
    of_it = (stages.c.workflow == workflow, stages.c.stage == "INGESTED", stages.c.outcome != "failed")
    return frozenset((row.run_id, row.table_name) for row in connection.execute(query.where(*of_it)))


def superseding_run(connection: sa.Connection, record: RunRecord) -> str | None:
    """Give the id of another run that completed and leaves this one nothing to do; None if there is none.

    Its window covers this one's. Or both follow the last run and merely overlap: then what is left of this one's is
    the next run's, so that what completed never overlaps.
    """
    if record.window is None:
        return None
    start, end = record.window.start, record.window.end
    covers = sa.and_(runs.c.window_start <= start, runs.c.window_end >= end)
    overlaps = sa.and_(runs.c.window_from == "last_run", runs.c.window_start < end, runs.c.window_end > start)
    query = sa.select(runs.c.run_id).where(
        runs.c.workflow == record.workflow,
        runs.c.run_id != record.run_id,
        runs.c.completed_at.is_not(None),
        runs.c.replay_of.is_(None),
        sa.or_(covers, overlaps),
    )
    found: str | None = connection.execute(query.order_by(runs.c.completed_at).limit(1)).scalar()
    return found


def lock_workflow(connection: sa.Connection, workflow: str) -> None:
    """Let one transaction at a time decide about the workflow; SQLite's writers queue anyway."""
    if connection.dialect.name == "postgresql":
        key = sa.func.hashtextextended(f"dataflow.{workflow}", 0)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def insert_run(connection: sa.Connection, record: RunRecord) -> bool:
    """Write the run unless it is there; False tells that another process was first."""
    values = {
        name: getattr(record, name) for name in RunRecord.__dataclass_fields__ if name not in ("window", "ranges")
    }
    values["window_start"] = record.window and record.window.start
    values["window_end"] = record.window and record.window.end
    values["ranges"] = {source: span.to_json() for source, span in record.ranges.items()}
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    written = connection.execute(insert(runs).values(values).on_conflict_do_nothing())
    return written.rowcount == 1


def forget_without_window(connection: sa.Connection, workflow: str, *, run_id: str) -> None:
    """Let a run be decided anew that was superseded before it had a window; of any other nothing is changed."""
    connection.execute(sa.delete(runs).where(*_is(workflow, run_id), runs.c.window_start.is_(None)))


def close_run(
    connection: sa.Connection, workflow: str, *, run_id: str, status: Literal["COMPLETED", "FAILED"], reason: str
) -> None:
    """Write how the run ended. One that was superseded stays so; an unknown one is left unknown."""
    ended = now()
    values: dict[str, Any] = {"status": status, "reason": reason or None, "ended_at": ended}
    if status == "COMPLETED":
        values["completed_at"] = sa.func.coalesce(runs.c.completed_at, sa.literal(ended, runs.c.completed_at.type))
    connection.execute(sa.update(runs).where(*_is(workflow, run_id), runs.c.status != "SUPERSEDED").values(values))


def reopen_run(connection: sa.Connection, record: RunRecord, *, pid: int | None = None) -> None:
    """Say that the run, which had ended, does something again: it was cleared, or another process goes on with it."""
    values: dict[str, Any] = {"status": "OPEN", "reason": None, "ended_at": None}
    if pid is not None:
        values |= {"pid": pid, "host": here()}
    connection.execute(sa.update(runs).where(*_is(record.workflow, record.run_id)).values(values))


def supersede_run(connection: sa.Connection, record: RunRecord, *, by: str) -> None:
    """Say that another run did this one's work."""
    values = {
        "status": "SUPERSEDED",
        "superseded_by": by,
        "reason": f"superseded by run {by}",
        "ended_at": now(),
    }
    connection.execute(sa.update(runs).where(*_is(record.workflow, record.run_id)).values(values))


def read_row(row: sa.RowMapping) -> RunRecord:
    """Read one row of ``core_runs``."""
    values = dict(row)
    start, end = values.pop("window_start"), values.pop("window_end")
    values["window"] = None if start is None else Interval(start, end)
    values["ranges"] = {source: Interval.from_json(span) for source, span in values["ranges"].items()}
    return RunRecord(**values)


def _is(workflow: str, run_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return runs.c.workflow == workflow, runs.c.run_id == run_id
