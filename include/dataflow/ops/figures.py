"""What ``anomaly`` checks measured: one figure for each window that completed, and no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from dataflow.interval import Interval
from dataflow.ops.runs import now
from dataflow.ops.stages import MAX_NAME, of_check
from dataflow.ops.tables import figures, runs, stages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataflow.ops.history import History
    from dataflow.ops.stages import StageKey

__all__ = ["Figure", "Measured", "earlier_figures", "earlier_row_counts", "last_figures", "record_figures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure as a check measured it."""

    name: str
    """Of the check."""
    measures: str
    """What exactly; figures of one check that measure different things are never compared."""
    figure: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a check measured of the last windows."""

    task_id: str
    table: str
    name: str
    """Of the check."""
    measures: str
    windows: tuple[tuple[Interval, Figure], ...]
    """The latest window last."""


def record_figures(history: History, key: StageKey, found: Iterable[Figure]) -> None:
    """Write what was measured, whatever came of it: it counts once the run completes."""
    rows = [
        {
            **of_check(key),
            "name": each.name[:MAX_NAME],
            "measures": each.measures,
            "figure": each.figure,
            "low": each.low,
            "high": each.high,
            "measured_at": now(),
        }
        for each in found
    ]
    if rows:
        with history.write() as connection:
            connection.execute(sa.insert(figures), rows)


def earlier_figures(
    history: History, key: StageKey, *, name: str, measures: str, window: Interval, limit: int
) -> list[tuple[Interval, float]]:
    """Give a check's figures of the windows that began before this one, the latest window first.

    Only runs that are completed count, and never the one of the key. A window that several runs had, or that was run
    again, has the figure that was measured last.
    """
    same = (figures.c.task_id == key.task_id, figures.c.name == name[:MAX_NAME], figures.c.measures == measures)
    return _earlier(history, figures, figures.c.figure, same, key=key, window=window, limit=limit)


def earlier_row_counts(
    history: History, key: StageKey, *, window: Interval, limit: int
) -> list[tuple[Interval, float]]:
    """Give as `earlier_figures` does how many rows of the key's table were ingested, which every run writes down."""
    same = (
        stages.c.stage == "INGESTED",
        stages.c.table_name == key.table_name,
        stages.c.outcome == "succeeded",
        stages.c.rows_out.is_not(None),
    )
    return _earlier(history, stages, stages.c.rows_out, same, key=key, window=window, limit=limit)


def last_figures(history: History, workflow: str, *, limit: int) -> list[Measured]:
    """Give what each check measured of its last windows, also in runs that failed; as it measures now, not before.

    A window that was run again has the figure that was measured last.
    """
    same = (figures.c.task_id, figures.c.name, figures.c.measures)
    of_run = sa.and_(runs.c.workflow == figures.c.workflow, runs.c.run_id == figures.c.run_id)
    newest = (
        sa.select(sa.func.max(figures.c.id).label("id"))
        .join_from(figures, runs, of_run)
        .where(figures.c.workflow == workflow, runs.c.window_start.is_not(None))
        .group_by(*same, runs.c.window_start, runs.c.window_end)
    )
    place = sa.func.row_number().over(partition_by=same, order_by=runs.c.window_start.desc()).label("place")
    ranked = (
        sa.select(figures, runs.c.window_start, runs.c.window_end, place)
        .join_from(figures, runs, of_run)
        .where(figures.c.id.in_(newest))
        .subquery()
    )
    query = sa.select(ranked).where(ranked.c.place <= limit).order_by(ranked.c.window_start, ranked.c.window_end)
    with history.read() as connection:
        rows = connection.execute(query).mappings().all()
    now_measured = {(row["task_id"], row["name"]): row["measures"] for row in sorted(rows, key=lambda row: row["id"])}
    return [
        Measured(
            task_id=task_id,
            table=own[-1]["table_name"],
            name=name,
            measures=measures,
            windows=tuple((Interval(row["window_start"], row["window_end"]), _figure(row)) for row in own),
        )
        for (task_id, name), measures in sorted(now_measured.items())
        if (own := [row for row in rows if (row["task_id"], row["name"], row["measures"]) == (task_id, name, measures)])
    ]


def _figure(row: sa.RowMapping) -> Figure:
    return Figure(**{key: row[key] for key in ("name", "measures", "figure", "low", "high")})


def _earlier(
    history: History,
    table: sa.Table,
    value: sa.ColumnElement[Any],
    same: tuple[sa.ColumnElement[bool], ...],
    *,
    key: StageKey,
    window: Interval,
    limit: int,
) -> list[tuple[Interval, float]]:
    completed = sa.and_(
        runs.c.workflow == table.c.workflow,
        runs.c.run_id == table.c.run_id,
        runs.c.status == "COMPLETED",
        runs.c.run_id != key.run_id,
        runs.c.window_start < window.start,
    )
    newest = (
        sa.select(sa.func.max(table.c.id).label("id"))
        .join_from(table, runs, completed)
        .where(table.c.workflow == key.workflow, *same)
        .group_by(runs.c.window_start, runs.c.window_end)
        .order_by(runs.c.window_start.desc())
        .limit(limit)
    )
    query = (
        sa.select(runs.c.window_start, runs.c.window_end, value)
        .join_from(table, runs, completed)
        .where(table.c.id.in_(newest))
        .order_by(runs.c.window_start.desc(), runs.c.window_end.desc())
    )
    with history.read() as connection:
        rows = connection.execute(query).all()
    return [(Interval(row[0], row[1]), float(row[2])) for row in rows]
