"""Which window a run has, and which range each incremental source reads: decided once, by the first task that asks.

What is decided lies in run history under (workflow, run id). Every other task, retry, clear and rerun reads it there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from dataflow.errors import FatalError, RunSuperseded, TransientError
from dataflow.interval import Interval, in_utc
from dataflow.ops.history import History
from dataflow.ops.reading import is_gone
from dataflow.ops.runs import (
    RunRecord,
    close_run,
    completed_runs,
    find_run,
    forget_without_window,
    here,
    ingested_sources,
    insert_run,
    lock_workflow,
    now,
    open_runs,
    reopen_run,
    supersede_run,
    superseding_run,
)
from dataflow.ops.stages import insert_moment
from dataflow.ops.tries import require_may_begin
from dataflow.runtime.recording import stage_key
from dataflow.runtime.request import RunRequest
from dataflow.runtime.ticks import first_moment, last_complete_window
from dataflow.spec.schedule import is_windowed_by_ticks, period_of

if TYPE_CHECKING:
    import sqlalchemy as sa

    from dataflow.loading.workflow import Workflow

__all__ = ["RunWindow", "mark_after", "window_of_run"]

CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class RunWindow:
    """What one run is about."""

    window: Interval
    ranges: Mapping[str, Interval]
    """What each incremental source reads, by source."""
    loads_as: str | None = None
    """Of a replay: the run whose rows it puts back, and as whose it loads them."""


def window_of_run(history: History, workflow: Workflow, *, request: RunRequest) -> RunWindow:
    """Give the run's window and ranges, and decide them if this is the run's first task.

    Raises:
        RunSuperseded: when a later run did this one's work, or there is nothing new for it.
        TrySuperseded: when a later try of the task began.
        TransientError: when another run of the workflow must end before the window can be decided.
        FatalError: when the engine or the config does not say where the window begins, or it lies in the future.
    """
    with history.read() as connection:
        require_may_begin(connection, request)  # else one that was taken for dead would open a run that ended
        record = find_run(connection, workflow.name, run_id=request.run_id)
    if record is None or _began_anew(record, request):
        record = _decide(history, workflow, request)
    record = _go_on(history, record, request=request)
    if record.status == "SUPERSEDED" or record.window is None:
        raise RunSuperseded(record.run_id, record.superseded_by or "unknown")
    return RunWindow(record.window, record.ranges, record.replay_of)


def _began_anew(record: RunRecord, request: RunRequest) -> bool:
    """Tell of a run that read nothing, for nothing was new, whether it was deleted and triggered again since."""
    return record.window is None and in_utc(request.run_after) > record.created_at


def mark_after(completed: Iterable[tuple[str, Interval]], *, start: datetime | None) -> tuple[datetime | None, str]:
    """Give how far the completed spans reach without a gap, and the run that reached it.

    The spans come in the order in which their runs completed. Each moves the mark only forward, and only if it began
    at or before it; without a start the first one sets it.
    """
    mark, by = start, ""
    for run_id, span in completed:
        if mark is None or span.start <= mark < span.end:
            mark, by = span.end, run_id
    return mark, by


def _decide(history: History, workflow: Workflow, request: RunRequest) -> RunRecord:
    states = _states_of_open_runs(history, request)
    with history.write() as connection:
        lock_workflow(connection, workflow.name)
        for run in _close_ended(connection, request, states=states):
            if run.replay_of is not None:
                raise TransientError(f"replay {run.run_id} puts rows back into {workflow.name}; this run waits for it")
            if _follows_the_last_run(workflow, request):
                raise TransientError(f"run {run.run_id} still runs, and this run's window begins where that one's ends")
        forget_without_window(connection, workflow.name, run_id=request.run_id)
        looks_back = _follows_the_last_run(workflow, request) or any(
            source.incremental for source in workflow.spec.sources.values()
        )
        completed = completed_runs(connection, workflow.name) if looks_back else []
        read = ingested_sources(connection, workflow.name) if looks_back else frozenset()
        record = _new_record(workflow, request, completed, read)
        if insert_run(connection, record):
            insert_moment(connection, stage_key(workflow, request, stage="STARTED"))
            return record
        first = find_run(connection, workflow.name, run_id=request.run_id)
    if first is None:
        raise TransientError(f"run {request.run_id} vanished from run history while its window was decided")
    return first


def _states_of_open_runs(history: History, request: RunRequest) -> dict[str, str | None]:
    """Ask the engine about every other open run; before a transaction, for it may take its time."""
    with history.read() as connection:
        seen = open_runs(connection, request.workflow)
    return {run.run_id: _state(run, request) for run in seen if run.run_id != request.run_id}


def _close_ended(
    connection: sa.Connection, request: RunRequest, *, states: Mapping[str, str | None]
) -> list[RunRecord]:
    """Write the end of every other open run that ended; give those that still run."""
    running = []
    for run in open_runs(connection, request.workflow):
        state = states.get(run.run_id, "running")
        if run.run_id == request.run_id or state == "queued":
            continue
        if state == "success":
            close_run(connection, request.workflow, run_id=run.run_id, status="COMPLETED", reason="")
        elif state in ("failed", None):
            reason = "failed" if state else "lost: its engine no longer knows it"
            close_run(connection, request.workflow, run_id=run.run_id, status="FAILED", reason=reason)
        else:
            running.append(run)
    return running


def _state(run: RunRecord, request: RunRequest) -> str | None:
    """Give how the open run fares: Airflow's word, or for a local one whether its process is there."""
    if run.engine == "local":
        return "failed" if is_gone(run) else ("running" if run.host == here() else "queued")
    return request.state_of(run.run_id)


def _new_record(
    workflow: Workflow, request: RunRequest, completed: list[RunRecord], read: frozenset[tuple[str, str]]
) -> RunRecord:
    window_from, window, after = _window(workflow, request, completed)
    if window is not None and window.end > now() + CLOCK_SKEW:
        raise FatalError(f"the window {window} ends in the future; a window is run when it is over")
    return RunRecord(
        workflow=workflow.name,
        run_id=request.run_id,
        kind=request.kind,
        engine=request.engine,
        host=here(),
        pid=os.getpid() if request.engine == "local" else None,
        domain=workflow.spec.domain,
        partition_key=request.partition_key,
        config_hash=workflow.config_hash,
        created_at=now(),
        window_from=window_from,
        window=window,
        ranges={} if window is None else _ranges(workflow, request, window=window, completed=completed, read=read),
        status="OPEN" if window else "SUPERSEDED",
        superseded_by=None if window else after,
        reason=None if window else f"nothing is new since run {after}",
    )


def _window(
    workflow: Workflow, request: RunRequest, completed: list[RunRecord]
) -> tuple[Literal["given", "partition", "ticks", "last_run"], Interval | None, str]:
    """Give where the window comes from, the window, and for a superseded run the run that was before it."""
    if request.window is not None:
        return "given", request.window, ""
    if request.partition is not None:
        return "partition", request.partition, ""
    schedule = workflow.spec.schedule
    if period_of(schedule) is not None:
        return "partition", last_complete_window(schedule, request.run_after), ""
    if is_windowed_by_ticks(schedule):
        return "ticks", request.interval or last_complete_window(schedule, request.run_after), ""
    if request.kind == "backfill" and request.interval is not None:
        return "ticks", request.interval, ""
    return "last_run", *_since_last_run(workflow, request, completed)


def _since_last_run(workflow: Workflow, request: RunRequest, completed: list[RunRecord]) -> tuple[Interval | None, str]:
    end = in_utc(request.run_after)
    day = workflow.spec.start_date
    windows = ((run.run_id, run.window) for run in completed if run.window is not None)
    start, after = mark_after(windows, start=first_moment(day, workflow.spec.schedule) if day else None)
    if start is None:
        # Allowed only where no source depends on the window.
        start = end - timedelta(days=1)
    if start < end:
        return Interval(start, end), ""
    if after:
        return None, after
    raise FatalError(f"the run is due at {end}, before the workflow's start_date {day}")


def _ranges(
    workflow: Workflow,
    request: RunRequest,
    *,
    window: Interval,
    completed: list[RunRecord],
    read: frozenset[tuple[str, str]],
) -> dict[str, Interval]:
    """Decide what each incremental source reads; a run that skipped a source, for a choice, did not read its range."""
    spec = workflow.spec
    ranges: dict[str, Interval] = {}
    for name, source in spec.sources.items():
        if source.incremental is None:
            continue
        if request.kind == "backfill" or request.window is not None:
            ranges[name] = window
            continue
        day = source.incremental.start or spec.start_date
        if day is None:
            raise FatalError(f"sources.{name}.incremental: nothing says where the first run begins; give `start`")
        spans = (
            (run.run_id, run.ranges[name]) for run in completed if name in run.ranges and (run.run_id, name) in read
        )
        start = first_moment(day, spec.schedule)
        mark, _ = mark_after(spans, start=start)
        ranges[name] = _range(window, start=start, mark=mark or start, lag=source.incremental.lag)
    return ranges


def _range(window: Interval, *, start: datetime, mark: datetime, lag: timedelta) -> Interval:
    # Never less than the run's own window: a run of an old window reads that, whatever the mark.
    begin = start if mark == start else max(start, min(mark - lag, window.start))
    return Interval(begin, window.end) if begin < window.end else window


def _go_on(history: History, record: RunRecord, *, request: RunRequest) -> RunRecord:
    """Look at what happened since the window was decided: a later run may cover it, or this one was cleared."""
    if record.status == "SUPERSEDED" or record.window is None:
        return record
    if record.window_from == "last_run" and record.completed_at is None:
        if states := _states_of_open_runs(history, request):
            with history.write() as connection:
                _close_ended(connection, request, states=states)
        with history.read() as connection:
            by = superseding_run(connection, record)
        if by is not None:
            with history.write() as connection:
                supersede_run(connection, record, by=by)
            raise RunSuperseded(record.run_id, by)
    pid = os.getpid() if request.engine == "local" else None
    if record.status != "OPEN" or (pid is not None and record.pid != pid):
        states = _states_of_open_runs(history, request)
        with history.write() as connection:
            lock_workflow(connection, request.workflow)
            for run in _close_ended(connection, request, states=states):
                if run.replay_of is not None and record.replay_of is None:
                    raise TransientError(f"replay {run.run_id} puts rows back; run {record.run_id} waits for it")
            reopen_run(connection, record, pid=pid)
    return record


def _follows_the_last_run(workflow: Workflow, request: RunRequest) -> bool:
    given = request.window is not None or request.partition is not None
    schedule = workflow.spec.schedule
    return not given and not is_windowed_by_ticks(schedule) and period_of(schedule) is None
