"""Corrections that replays made: what a bad row became, for the runs that read the very same row again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from dataflow.errors import InputError
from dataflow.interval import Interval
from dataflow.ops.runs import now
from dataflow.ops.tables import corrections

if TYPE_CHECKING:
    from dataflow.ops.history import History
    from dataflow.quarantine.records import QuarantineKey, QuarantineStage

__all__ = [
    "Correction",
    "count_corrections",
    "find_correction",
    "forget_correction",
    "insert_correction",
    "list_corrections",
    "mark_used",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What one replay made of the bad rows of one record."""

    id: int
    workflow: str
    table: str
    stage: QuarantineStage
    run_id: str
    """Whose rows they were."""
    window: Interval
    """Of that run."""
    quarantine_id: int
    replayed_by: str
    rows: int
    uri: str
    """Of the manifest of the rows as they are now: texts, and beside them the fingerprint of what they were."""
    made_at: datetime
    used_at: datetime | None
    used_by: str | None
    """The run that came upon such rows last."""
    forgotten_at: datetime | None


def insert_correction(
    connection: sa.Connection, key: QuarantineKey, *, quarantine_id: int, replayed_by: str, rows: int, uri: str
) -> None:
    """Write what a replay made of rows of that run, from the end of the caller's transaction on."""
    values = {
        "workflow": key.workflow,
        "run_id": key.run_id,
        "table_name": key.table,
        "stage": key.stage,
        "window_start": key.window.start,
        "window_end": key.window.end,
        "quarantine_id": quarantine_id,
        "replayed_by": replayed_by,
        "rows": rows,
        "uri": uri,
        "made_at": now(),
    }
    connection.execute(sa.insert(corrections).values(values))


def list_corrections(
    history: History, *, workflow: str | None = None, table: str | None = None, with_forgotten: bool = False
) -> list[Correction]:
    """Give the corrections of one workflow and table or of all, the newest first."""
    query = sa.select(corrections).order_by(corrections.c.id.desc())
    if workflow is not None:
        query = query.where(corrections.c.workflow == workflow)
    if table is not None:
        query = query.where(corrections.c.table_name == table)
    if not with_forgotten:
        query = query.where(corrections.c.forgotten_at.is_(None))
    with history.read() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def count_corrections(history: History, workflow: str) -> int:
    """Give how many corrections of a workflow are made again, whenever a run reads such rows."""
    kept = (corrections.c.workflow == workflow, corrections.c.forgotten_at.is_(None))
    with history.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).where(*kept)).scalar_one())


def find_correction(history: History, number: int) -> Correction:
    """Give one correction.

    Raises:
        InputError: when there is none of that id.
    """
    with history.read() as connection:
        row = connection.execute(sa.select(corrections).where(corrections.c.id == number)).mappings().one_or_none()
    if row is None:
        raise InputError(f"no correction has the id {number}; `dataflow quarantine corrections` shows what there is")
    return _read(row)


def forget_correction(history: History, number: int) -> None:
    """Let no run from now on correct rows so; what was loaded stays until it is loaded anew."""
    with history.write() as connection:
        connection.execute(
            sa.update(corrections)
            .where(corrections.c.id == number, corrections.c.forgotten_at.is_(None))
            .values(forgotten_at=now())
        )


def mark_used(connection: sa.Connection, numbers: Iterable[int], *, by: str) -> None:
    """Write which run came upon such rows."""
    used = {"used_at": now(), "used_by": by}
    connection.execute(sa.update(corrections).where(corrections.c.id.in_(sorted(numbers))).values(used))


def _read(row: sa.RowMapping) -> Correction:
    return Correction(
        id=row["id"],
        workflow=row["workflow"],
        table=row["table_name"],
        stage=row["stage"],
        run_id=row["run_id"],
        window=Interval(row["window_start"], row["window_end"]),
        quarantine_id=row["quarantine_id"],
        replayed_by=row["replayed_by"],
        rows=row["rows"],
        uri=row["uri"],
        made_at=row["made_at"],
        used_at=row["used_at"],
        used_by=row["used_by"],
        forgotten_at=row["forgotten_at"],
    )
