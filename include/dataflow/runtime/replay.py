"""Replay: rows from quarantine, corrected or judged anew, led through the steps that their run led the others through.

A replay is a run of its own in run history. Rows that pass become part of the batch of the run that they were left out
of, and that batch is transformed and loaded as that run's: so every load mode replaces what it loaded before.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.errors import InputError
from dataflow.ops.history import History, open_history
from dataflow.ops.quarantine import Quarantined, supersede_records
from dataflow.ops.reading import is_gone, read_run
from dataflow.ops.replays import bases_of, narrow_replay, unfinished_replays
from dataflow.ops.runs import (
    RunRecord,
    close_run,
    find_run,
    here,
    insert_run,
    lock_workflow,
    now,
    open_runs,
    reopen_run,
)
from dataflow.runtime.local import Ask, Progress, run_workflow
from dataflow.runtime.put_back import PutBack, put_back
from dataflow.runtime.read_again import Rest, rest_of
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.result import RunResult
from dataflow.runtime.resume import Earlier
from dataflow.spec.tables import base_source

if TYPE_CHECKING:
    import sqlalchemy as sa

    from dataflow.interval import Interval
    from dataflow.loading.workflow import Workflow
    from dataflow.ops.reading import RunStory, StageRecord
    from dataflow.runtime.step import Step
    from dataflow.settings import Settings

__all__ = ["Replayed", "replay"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the rows of one table and one run."""

    table: str
    of_run: str
    records: tuple[int, ...]
    passed: int
    """Rows that came back."""
    failed: int
    """Rows that failed again: they lie in quarantine with the new reason."""
    result: RunResult | None
    """How the replay ended; None where nothing was to be done, for which there is a reason."""
    reason: str = ""


def replay(
    workflow: Workflow,
    records: Sequence[Quarantined],
    *,
    settings: Settings,
    corrected: Path | None = None,
    progress: Progress | None = None,
    ask: Ask | None = None,
    log: logging.Logger | None = None,
) -> list[Replayed]:
    """Replay these records, and first what an earlier replay of the workflow left half done.

    Each is judged with the checks as they are configured now, together with the batch that it comes back to.

    Raises:
        InputError: when a run of the workflow is on, or the run of a record has not completed; or a file of corrected
            rows is not what it should be.
    """
    history = open_history(settings.ops)
    given = {"settings": settings, "progress": progress, "ask": ask, "log": log}
    done = [
        _go_on(history, workflow, run, given=given)
        for run in unfinished_replays(history, workflow.name)
        if not _is_on(run)
    ]
    groups: dict[tuple[str, str], list[Quarantined]] = {}
    for record in sorted(records, key=lambda each: (each.key.window.start, each.id)):
        if record.is_open:
            groups.setdefault((record.key.run_id, record.key.table), []).append(record)
    for (run_id, table), rows in groups.items():
        try:
            done.append(_begin(history, workflow, table, rows, of_run=run_id, corrected=corrected, given=given))
        except InputError as error:
            if len(groups) == 1:
                raise
            # The others are not to wait for this one.
            done.append(Replayed(table, run_id, tuple(each.id for each in rows), 0, 0, None, str(error)))
    return done


def _begin(
    history: History,
    workflow: Workflow,
    table: str,
    records: Sequence[Quarantined],
    *,
    of_run: str,
    corrected: Path | None,
    given: Mapping[str, Any],
) -> Replayed:
    story, rest = _looked_at(history, workflow, table, of_run=of_run)
    numbers = tuple(record.id for record in records)
    if rest.superseded_by is not None:
        return _superseded(history, table, of_run=of_run, records=numbers, by=rest.superseded_by)
    run = _new_run(workflow, story.run, table, rest)
    with history.write() as connection:
        _alone(connection, workflow)
        insert_run(connection, run)
    return _walk(workflow, run, story, table, rest, records=records, corrected=corrected, given=given)


def _alone(connection: sa.Connection, workflow: Workflow) -> None:
    """Let no run of the workflow begin before the caller's transaction ends.

    Raises:
        InputError: when one is on.
    """
    lock_workflow(connection, workflow.name)
    for other in open_runs(connection, workflow.name):
        if _is_on(other):
            raise InputError(f"run {other.run_id} of {workflow.name} is on; replay when it has ended")


def _go_on(history: History, workflow: Workflow, run: RunRecord, *, given: Mapping[str, Any]) -> Replayed:
    """Lead an interrupted replay to its end: its rows are part of their batch already."""
    with history.read() as connection:
        bases = bases_of(connection, run.run_id)
    of_run = str(run.replay_of)
    if not bases:  # no row passed, and nobody was told
        with history.write() as connection:
            close_run(connection, workflow.name, run_id=run.run_id, status="COMPLETED", reason="")
        return Replayed("", of_run, (), 0, 0, None, f"replay {run.run_id} had nothing left to do")
    ((table, base),) = bases.items()
    story, rest = _looked_at(history, workflow, table, of_run=of_run)
    is_over = rest.superseded_by or (of_run if _base_of(story, table).uri != base else None)
    with history.write() as connection:
        if is_over:
            reason = f"run {is_over} read these rows again since"
            close_run(connection, workflow.name, run_id=run.run_id, status="COMPLETED", reason=reason)
        else:
            _alone(connection, workflow)
            reopen_run(connection, run, pid=os.getpid())
            narrow_replay(connection, run, _ranges(story.run, table, rest))
    if is_over:
        return Replayed(table, of_run, (), 0, 0, None, reason)
    return _walk(workflow, run, story, table, rest, records=(), corrected=None, given=given)


def _walk(
    workflow: Workflow,
    run: RunRecord,
    story: RunStory,
    table: str,
    rest: Rest,
    *,
    records: Sequence[Quarantined],
    corrected: Path | None,
    given: Mapping[str, Any],
) -> Replayed:
    """Put the rows back, then transform, load, build and publish what is made of the table."""
    asked = PutBack(
        run=run,
        base=_base_of(story, table).uri or "",
        records=records,
        corrected=corrected,
        read_range=rest.read_range,
        rest=rest.rest,
    )
    counted: list[StepReceipt] = []

    def work(step: Step, name: str) -> StepReceipt:
        counted.append(put_back(step, name, asked=asked))
        return counted[-1]

    first = _first_task(workflow, table)
    kept = _kept_outputs(workflow, story)
    kept.pop(first)
    earlier = Earlier(
        outputs=kept,
        run_id=run.run_id,
        try_number=1 + _tries(given["settings"], run),
        only=frozenset({first}) | _after(workflow, story, table),
        instead={first: work},
    )
    result = run_workflow(workflow, earlier=earlier, **given)
    passed, failed = (counted[0].rows, counted[0].quarantined or 0) if counted else (0, 0)
    numbers = tuple(record.id for record in records)
    return Replayed(table, str(run.replay_of), numbers, passed, failed, result)


def _looked_at(history: History, workflow: Workflow, table: str, *, of_run: str) -> tuple[RunStory, Rest]:
    """Give the story of the run whose rows they are, and what of it no later run has read again."""
    if table not in workflow.spec.sources:
        raise InputError(f"{workflow.name} has no source {table!r} any more, so its rows have nowhere to go back to")
    story = read_run(history, of_run, workflow=workflow.name)
    if story.run.status != "COMPLETED":
        raise InputError(
            f"run {of_run} of {workflow.name} has not completed ({story.run.status}): bring it to its end first, "
            "then replay what it quarantined"
        )
    return story, rest_of(history, workflow, table, run=story.run)


def _superseded(history: History, table: str, *, of_run: str, records: tuple[int, ...], by: str) -> Replayed:
    with history.write() as connection:
        supersede_records(connection, records, by=by)
    return Replayed(table, of_run, records, 0, 0, None, f"run {by} has read these rows again since, and judged them")


def _new_run(workflow: Workflow, of: RunRecord, table: str, rest: Rest) -> RunRecord:
    began = now()
    return RunRecord(
        workflow=workflow.name,
        run_id=f"replay__{began.isoformat(timespec='seconds')}_{uuid.uuid4().hex[:8]}",
        kind="replay",
        engine="local",
        host=here(),
        pid=os.getpid(),
        domain=workflow.spec.domain,
        partition_key=of.partition_key,
        config_hash=workflow.config_hash,
        created_at=began,
        window_from="replay",
        window=of.window,
        ranges=_ranges(of, table, rest),
        replay_of=of.run_id,
    )


def _ranges(of: RunRecord, table: str, rest: Rest) -> dict[str, Interval]:
    return {**of.ranges, **({table: rest.rest} if rest.rest is not None else {})}


def _is_on(run: RunRecord) -> bool:
    """Tell whether an open run is at work, as far as this machine can tell."""
    return run.status == "OPEN" and not (run.engine == "local" and (run.host != here() or is_gone(run)))


def _first_task(workflow: Workflow, table: str) -> str:
    """Give the task in whose place the rows are put back: the one whose receipt the transforms read."""
    judged = any(task.kind == "validate" and task.table == table for task in workflow.plan.tasks)
    return f"{'validate' if judged else 'ingest'}.{table}"


def _kept_outputs(workflow: Workflow, story: RunStory) -> dict[str, Mapping[str, Any]]:
    """Give what the tasks before the transforms returned in the run whose rows come back."""
    outputs: dict[str, Mapping[str, Any]] = {}
    for task in workflow.plan.tasks:
        if task.kind in ("ingest", "validate") and task.table:
            kinds = ("VALIDATED", "INGESTED") if task.kind == "validate" else ("INGESTED",)
            stage = _last(story, task.table, *kinds)
            outputs[task.id] = {} if stage is None else {"table": task.table, "uri": stage.uri, "rows": stage.rows_out}
    return outputs


def _base_of(story: RunStory, table: str) -> StageRecord:
    """Give the stage that left the batch which the run's transforms read.

    Raises:
        InputError: when the run left none.
    """
    stage = _last(story, table, "VALIDATED", "INGESTED")
    if stage is None or not stage.uri:
        raise InputError(f"run {story.run.run_id} left no batch of {table} that the rows could go back to")
    return stage


def _last(story: RunStory, table: str, *stages: str) -> StageRecord | None:
    """Give the last try of the first of these stages that the run got through."""
    for name in stages:
        found = [
            each for each in story.stages if each.stage == name and each.table == table and each.state == "succeeded"
        ]
        if found:
            return found[-1]
    return None


def _after(workflow: Workflow, story: RunStory, source: str) -> frozenset[str]:
    """Give the tasks that bring the rows to the reader: the transforms that they change, dbt, publish; and approvals.

    A table that is made of another source's batch stays as it is. Functions of ``steps.py``, gates and choices are not
    asked again: they judged and did what was to be done in the run whose rows these are.
    """
    spec, reads = workflow.spec, workflow.reads
    ran = {each.table for each in story.stages if each.stage == "TRANSFORMED"}
    changed: set[str] = set()
    tasks = set()
    for task in workflow.plan.tasks:
        if task.kind in ("dbt", "publish", "approve"):
            tasks.add(task.id)
        if task.kind != "transform" or task.table is None or task.table not in ran:
            continue
        read = reads.get(task.table, frozenset())
        batches = {name.removeprefix("batch.") for name in read if name.startswith("batch.")}
        of = base_source(spec, task.table)
        made_of_it = of == source or (of is None and source in batches)
        made_of_loaded = of is None and not batches and read & changed
        if made_of_it or made_of_loaded:
            changed.add(task.table)
            tasks.add(task.id)
    return frozenset(tasks)


def _tries(settings: Settings, run: RunRecord) -> int:
    """Give how often the replay was begun."""
    with open_history(settings.ops).read() as connection:
        known = find_run(connection, run.workflow, run_id=run.run_id)
    if known is None:
        return 0
    story = read_run(open_history(settings.ops), run.run_id, workflow=run.workflow)
    return max((stage.try_number for stage in story.stages), default=0)
