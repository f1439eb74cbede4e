"""Replay: rows from quarantine, corrected or judged anew, led through the steps that their run led the others through.

A replay is a run of its own in run history. Rows that pass become part of the batch of the run that they were left out
of, and that batch is transformed and loaded as that run's: so every load mode replaces what it loaded before.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.errors import InputError
from dataflow.ops.history import History, open_history
from dataflow.ops.reading import is_gone, read_run
from dataflow.ops.runs import (
    RunRecord,
    close_run,
    here,
    insert_run,
    lock_workflow,
    open_runs,
    reopen_run,
)
from dataflow.quarantine.records import Quarantined
from dataflow.quarantine.replays import bases_of, narrow_replay, unfinished_replays
from dataflow.quarantine.superseding import supersede_records
from dataflow.runtime.local.run import Ask, Progress
from dataflow.runtime.quarantine.later_reads import Rest, loads_of, rest_of
from dataflow.runtime.quarantine.prospect import set_aside_by
from dataflow.runtime.quarantine.replay_run import Replayed, base_of, lead_through, new_replay, ranges_of

if TYPE_CHECKING:
    import sqlalchemy as sa

    from dataflow.loading.workflow import Workflow
    from dataflow.ops.reading import RunStory
    from dataflow.settings import Settings

__all__ = ["Replayed", "replay"]


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
        return _superseded(history, workflow.name, table, of_run=of_run, records=numbers, by=rest.superseded_by)
    run = new_replay(workflow, story.run, table, rest)
    with history.write() as connection:
        _alone(connection, workflow)
        insert_run(connection, run)
    return lead_through(workflow, run, story, table, rest, records=records, corrected=corrected, given=given)


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
    is_over = rest.superseded_by or (of_run if base_of(workflow, story, table).uri != base else None)
    with history.write() as connection:
        if is_over:
            reason = f"run {is_over} read these rows again since"
            close_run(connection, workflow.name, run_id=run.run_id, status="COMPLETED", reason=reason)
        else:
            _alone(connection, workflow)
            reopen_run(connection, run, pid=os.getpid())
            narrow_replay(connection, run, ranges_of(story.run, table, rest))
    if is_over:
        return Replayed(table, of_run, (), 0, 0, None, reason)
    return lead_through(workflow, run, story, table, rest, records=(), corrected=None, given=given)


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
    loads = loads_of(history, workflow.spec, table, run_ids=[of_run])
    return story, rest_of(workflow.spec, table, run=story.run, loads=loads)


def _superseded(
    history: History, workflow: str, table: str, *, of_run: str, records: tuple[int, ...], by: str
) -> Replayed:
    with history.write() as connection:
        supersede_records(connection, records, by=by)
    left = set_aside_by(history, workflow, table, by=by)
    reason = f"run {by} has read these rows again since, and judged them{left}"
    return Replayed(table, of_run, records, 0, 0, None, reason)


def _is_on(run: RunRecord) -> bool:
    """Tell whether an open run is at work, as far as this machine can tell."""
    return run.status == "OPEN" and not (run.engine == "local" and (run.host != here() or is_gone(run)))
