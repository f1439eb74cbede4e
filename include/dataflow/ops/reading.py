"""Run history as people read it: the CLI's lists and the page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dataflow.errors import InputError
from dataflow.ops.history import History
from dataflow.ops.runs import RunRecord, here, read_row
from dataflow.ops.tables import anomalies, check_results, check_samples, runs, stages

__all__ = ["RunStory", "StageRecord", "anomalies_of", "is_gone", "last_landed", "list_runs", "read_run"]


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One try of one stage."""

    stage: str
    task_id: str
    table: str | None
    try_number: int
    state: str
    """``running``, ``succeeded``, ``failed``, ``skipped``, or ``interrupted``: it began and never ended."""
    message: str
    began_at: datetime
    ended_at: datetime | None
    rows_in: int | None
    rows_out: int | None
    bytes: int | None
    uri: str | None
    host: str

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it has no end."""
        return None if self.ended_at is None else (self.ended_at - self.began_at).total_seconds()


@dataclass(frozen=True, slots=True)
class RunStory:
    """One run, and what happened in it."""

    run: RunRecord
    stages: tuple[StageRecord, ...]
    checks: tuple[dict[str, Any], ...]
    """Rows of ``core_check_results``, in the order of the checks, each with a ``sample`` of rows that it refused."""
    anomalies: tuple[dict[str, Any], ...]
    """Rows of ``core_anomalies``, the earliest first."""


def list_runs(history: History, *, workflow: str | None = None, limit: int = 50) -> list[RunRecord]:
    """Give the newest runs, of one workflow or of all, the newest first."""
    query = sa.select(runs).order_by(runs.c.created_at.desc(), runs.c.run_id).limit(limit)
    if workflow is not None:
        query = query.where(runs.c.workflow == workflow)
    with history.read() as connection:
        return [read_row(row) for row in connection.execute(query).mappings()]


def read_run(history: History, run_id: str, *, workflow: str | None = None) -> RunStory:
    """Give one run with its stages, checks and anomalies.

    Raises:
        InputError: when there is none, or when several workflows have one of that id and none is named.
    """
    query = sa.select(runs).where(runs.c.run_id == run_id)
    if workflow is not None:
        query = query.where(runs.c.workflow == workflow)
    with history.read() as connection:
        found = [read_row(row) for row in connection.execute(query).mappings()]
        if not found:
            raise InputError(f"no run {run_id!r} in run history; `dataflow runs list` shows what there is")
        if len(found) > 1:
            names = ", ".join(sorted(run.workflow for run in found))
            raise InputError(f"run {run_id!r} is one of {names}; name the workflow")
        run = found[0]
        return RunStory(
            run,
            _stages(run, _rows(connection, stages, run)),
            tuple(_checks(connection, run)),
            tuple(_rows(connection, anomalies, run)),
        )


def anomalies_of(
    history: History, workflow: str, *, run_id: str | None = None, category: str | None = None
) -> list[dict[str, Any]]:
    """Give what went wrong in a run, also of one that none of its tasks wrote of yet, or in all; the earliest first."""
    query = sa.select(anomalies).where(anomalies.c.workflow == workflow)
    if run_id is not None:
        query = query.where(anomalies.c.run_id == run_id)
    if category is not None:
        query = query.where(anomalies.c.category == category)
    with history.read() as connection:
        return [dict(row) for row in connection.execute(query.order_by(anomalies.c.id)).mappings()]


def last_landed(history: History, workflow: str, table: str, *, other_than: str) -> str | None:
    """Give the uri of the batch of a table that was landed last by a read that found rows, None where there is none.

    However its run went on: what came is what came. The batches of the run ``other_than`` do not count.
    """
    query = (
        sa.select(stages.c.uri)
        .where(
            stages.c.workflow == workflow,
            stages.c.table_name == table,
            stages.c.stage == "INGESTED",
            stages.c.outcome == "succeeded",
            stages.c.uri.is_not(None),
            stages.c.rows_in > 0,
            stages.c.run_id != other_than,
        )
        .order_by(stages.c.ended_at.desc(), stages.c.id.desc())
        .limit(1)
    )
    with history.read() as connection:
        found: str | None = connection.execute(query).scalar()
        return found


def is_gone(run: RunRecord) -> bool:
    """Tell whether the process of a local run ended, as far as this machine can tell."""
    if run.engine != "local" or run.host != here() or run.pid is None:
        return False
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _rows(connection: sa.Connection, table: sa.Table, run: RunRecord) -> list[dict[str, Any]]:
    query = sa.select(table).where(table.c.workflow == run.workflow, table.c.run_id == run.run_id)
    return [dict(row) for row in connection.execute(query.order_by(table.c.id)).mappings()]


def _checks(connection: sa.Connection, run: RunRecord) -> list[dict[str, Any]]:
    named = ("task_id", "try_number", "attempt", "table_name", "name")
    samples = {tuple(row[key] for key in named): row["rows"] for row in _rows(connection, check_samples, run)}
    results = _rows(connection, check_results, run)
    return [{**row, "sample": samples.get(tuple(row[key] for key in named), [])} for row in results]


def _stages(run: RunRecord, rows: list[dict[str, Any]]) -> tuple[StageRecord, ...]:
    newest = {(row["stage"], row["task_id"]): row["id"] for row in rows}
    over = run.status != "OPEN" or is_gone(run)
    return tuple(_stage(row, lost=over or newest[row["stage"], row["task_id"]] != row["id"]) for row in rows)


def _stage(row: dict[str, Any], *, lost: bool) -> StageRecord:
    state, message = row["outcome"], row["message"] or ""
    if row["ended_at"] is None:
        state = "interrupted" if lost else "running"
        told = f"step {row['task_id']}, try {row['try_number']} began and never ended (killed or lost)"
        message = told if lost else ""
    return StageRecord(
        stage=row["stage"],
        task_id=row["task_id"],
        table=row["table_name"],
        try_number=row["try_number"],
        state=state,
        message=message,
        began_at=row["began_at"],
        ended_at=row["ended_at"],
        rows_in=row["rows_in"],
        rows_out=row["rows_out"],
        bytes=row["bytes"],
        uri=row["uri"],
        host=row["host"],
    )
