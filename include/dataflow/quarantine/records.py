"""What lies in quarantine: one record for the rows that one try of a task left out of one table's batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from dataflow.errors import InputError
from dataflow.interval import Interval
from dataflow.ops.history import History
from dataflow.ops.runs import now
from dataflow.ops.tables import quarantine

__all__ = [
    "QuarantineKey",
    "QuarantineStage",
    "Quarantined",
    "count_open",
    "count_quarantined",
    "find_quarantined",
    "insert_quarantined",
    "list_quarantined",
    "workflows_with_open",
]

QuarantineStage = Literal["ingest", "validate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineKey:
    """Whose rows: one try of one stage of a run."""

    workflow: str
    run_id: str
    table: str
    task_id: str
    try_number: int
    window: Interval
    stage: QuarantineStage
    """``ingest``: the values did not fit and lie there as text; ``validate``: a check refused the rows."""
    attempt: str | None = None
    """Which start of that try, as its engine tells them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One record."""

    id: int
    key: QuarantineKey
    rules: tuple[str, ...]
    """The checks, or the contract, that refused the rows."""
    reasons: Mapping[str, Mapping[str, Any]]
    """For each rule a ``reason``, that of one of its rows, and how many ``rows`` it refused."""
    rows: int
    uri: str
    """Of the manifest that names their files."""
    quarantined_at: datetime
    replayed_by: str | None
    superseded_by: str | None
    """What judged these rows anew; None while the record counts."""
    from_id: int | None
    """The record that was replayed when these rows failed again."""

    @property
    def is_open(self) -> bool:
        """Whether the rows wait for somebody."""
        return self.replayed_by is None and self.superseded_by is None


def insert_quarantined(
    connection: sa.Connection,
    key: QuarantineKey,
    *,
    rows: int,
    uri: str,
    reasons: Mapping[str, Mapping[str, Any]],
    from_id: int | None = None,
) -> int:
    """Write a record and give its id."""
    values = {
        "workflow": key.workflow,
        "run_id": key.run_id,
        "table_name": key.table,
        "task_id": key.task_id,
        "try_number": key.try_number,
        "attempt": key.attempt,
        "stage": key.stage,
        "window_start": key.window.start,
        "window_end": key.window.end,
        "check_name": ", ".join(reasons)[:250],
        "reasons": dict(reasons),
        "rows": rows,
        "uri": uri,
        "from_id": from_id,
        "quarantined_at": now(),
    }
    number: int = connection.execute(sa.insert(quarantine).values(values).returning(quarantine.c.id)).scalar_one()
    return number


def find_quarantined(history: History, number: int) -> Quarantined:
    """Give one record.

    Raises:
        InputError: when there is none of that id.
    """
    with history.read() as connection:
        row = connection.execute(sa.select(quarantine).where(quarantine.c.id == number)).mappings().one_or_none()
    if row is None or row["stage"] is None:
        raise InputError(f"nothing in quarantine has the id {number}; `dataflow quarantine list` shows what there is")
    return _read(row)


def list_quarantined(
    history: History,
    *,
    workflow: str | None = None,
    run_ids: Collection[str] | None = None,
    only_open: bool = True,
    limit: int | None = None,
) -> list[Quarantined]:
    """Give records, of one workflow and some of its runs or of all, the newest first; at most so many."""
    found = _chosen(workflow, run_ids, only_open=only_open)
    query = sa.select(quarantine).where(*found).order_by(quarantine.c.id.desc()).limit(limit)
    with history.read() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def count_quarantined(
    history: History,
    *,
    workflow: str | None = None,
    run_ids: Collection[str] | None = None,
    only_open: bool = True,
) -> int:
    """Count the records that `list_quarantined` gives where nothing says how many at most."""
    query = sa.select(sa.func.count()).where(*_chosen(workflow, run_ids, only_open=only_open))
    with history.read() as connection:
        return int(connection.execute(query).scalar_one())


def workflows_with_open(history: History) -> list[str]:
    """Give the workflows of which something waits, sorted."""
    found = _chosen(None, None, only_open=True)
    query = sa.select(quarantine.c.workflow).where(*found).distinct().order_by(quarantine.c.workflow)
    with history.read() as connection:
        return list(connection.execute(query).scalars())


def count_open(history: History, workflow: str, *, run_id: str | None = None) -> int:
    """Give how many rows of a workflow, or of one of its runs, wait in quarantine."""
    query = sa.select(sa.func.coalesce(sa.func.sum(quarantine.c.rows), 0)).where(
        quarantine.c.workflow == workflow, *_is_open()
    )
    if run_id is not None:
        query = query.where(quarantine.c.run_id == run_id)
    with history.read() as connection:
        return int(connection.execute(query).scalar_one())


def _chosen(workflow: str | None, run_ids: Collection[str] | None, *, only_open: bool) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [quarantine.c.stage.is_not(None)]
    if workflow is not None:
        found.append(quarantine.c.workflow == workflow)
    if run_ids is not None:
        found.append(quarantine.c.run_id.in_(run_ids))
    return [*found, *_is_open()] if only_open else found


def _is_open() -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return quarantine.c.replayed_by.is_(None), quarantine.c.superseded_by.is_(None)


def _read(row: sa.RowMapping) -> Quarantined:
    key = QuarantineKey(
        workflow=row["workflow"],
        run_id=row["run_id"],
        table=row["table_name"],
        task_id=row["task_id"],
        try_number=row["try_number"],
        window=Interval(row["window_start"], row["window_end"]),
        stage=row["stage"],
        attempt=row["attempt"],
    )
    reasons = row["reasons"] or {}
    return Quarantined(
        id=row["id"],
        key=key,
        rules=tuple(reasons),
        reasons=reasons,
        rows=row["rows"],
        uri=row["uri"],
        quarantined_at=row["quarantined_at"],
        replayed_by=row["replayed_by"],
        superseded_by=row["superseded_by"],
        from_id=row["from_id"],
    )
