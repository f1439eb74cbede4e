"""A replay as a run of its own: which tasks of the workflow it runs, with what in the place of the first."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.errors import InputError
from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from dataflow.ops.runs import RunRecord, find_run, here, now
from dataflow.quarantine.records import Quarantined
from dataflow.runtime.local.resume import Earlier
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.quarantine.later_reads import Rest
from dataflow.runtime.quarantine.put_back import PutBack, put_back
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.result import RunResult
from dataflow.spec.tables import base_source

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.loading.workflow import Workflow
    from dataflow.ops.reading import RunStory, StageRecord
    from dataflow.runtime.step import Step
    from dataflow.settings import Settings

__all__ = ["Replayed", "base_of", "lead_through", "new_replay", "ranges_of"]


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


def new_replay(workflow: Workflow, of: RunRecord, table: str, rest: Rest) -> RunRecord:
    """Give the replay's own run, with the window of the run whose rows come back."""
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
        ranges=ranges_of(of, table, rest),
        replay_of=of.run_id,
    )


def ranges_of(of: RunRecord, table: str, rest: Rest) -> dict[str, Interval]:
    """Give the ranges of the run, that of the source cut to what no later run has read again."""
    return {**of.ranges, **({table: rest.rest} if rest.rest is not None else {})}


def lead_through(
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
        base=base_of(workflow, story, table).uri or "",
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


def _first_task(workflow: Workflow, table: str) -> str:
    """Give the task in whose place the rows are put back: the one whose receipt the transforms read."""
    return f"{'validate' if _is_judged(workflow, table) else 'ingest'}.{table}"


def _is_judged(workflow: Workflow, table: str) -> bool:
    return any(task.kind == "validate" and task.table == table for task in workflow.plan.tasks)


def _kept_outputs(workflow: Workflow, story: RunStory) -> dict[str, Mapping[str, Any]]:
    """Give what the tasks before the transforms returned in the run whose rows come back."""
    outputs: dict[str, Mapping[str, Any]] = {}
    for task in workflow.plan.tasks:
        if task.kind in ("ingest", "validate") and task.table:
            kinds = ("VALIDATED", "INGESTED") if task.kind == "validate" else ("INGESTED",)
            stage = _last(story, task.table, *kinds)
            outputs[task.id] = {} if stage is None else {"table": task.table, "uri": stage.uri, "rows": stage.rows_out}
    return outputs


def base_of(workflow: Workflow, story: RunStory, table: str) -> StageRecord:
    """Give the stage that left the batch which the run's transforms read: no older one of checks that are gone.

    Raises:
        InputError: when the run left none.
    """
    stage = _last(story, table, *(("VALIDATED", "INGESTED") if _is_judged(workflow, table) else ("INGESTED",)))
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
