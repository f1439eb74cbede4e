"""Close what waits in vain: records whose rows a later run has read again, and judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from dataflow.ops.runs import find_runs, lock_workflow, open_runs
from dataflow.quarantine.records import list_quarantined
from dataflow.quarantine.superseding import supersede_records
from dataflow.runtime.quarantine.prospect import prospects_of

if TYPE_CHECKING:
    import sqlalchemy as sa

    from dataflow.loading.workflow import Workflow
    from dataflow.ops.history import History
    from dataflow.quarantine.records import Quarantined

__all__ = ["close_read_again"]


def close_read_again(history: History, workflow: Workflow, *, dry_run: bool = False) -> int:
    """Supersede the workflow's records that a replay would supersede, and give their number.

    A prospect of ``read again`` may still change, and a record that is closed stays closed. So these wait on:

    - what was read again by a run that has not completed, or that ran with another config than that of now: what the
      config says of windows and loads may not be what it said then;
    - what failed again when it was replayed: it holds what somebody corrected;
    - what is being replayed, and what was set aside by a run that was cleared and is on.
    """
    records = [each for each in list_quarantined(history, workflow=workflow.name) if each.from_id is None]
    closed = 0
    for by, of_run in _read_again(history, workflow, records).items():
        with history.read() if dry_run else history.write() as connection:
            if not dry_run:
                lock_workflow(connection, workflow.name)  # no replay begins before the end of this transaction
            busy = _busy_runs(connection, workflow.name)
            numbers = [each.id for each in of_run if each.key.run_id not in busy]
            closed += len(numbers) if dry_run else supersede_records(connection, numbers, by=by)
    return closed


def _read_again(
    history: History, workflow: Workflow, records: Iterable[Quarantined]
) -> Mapping[str, list[Quarantined]]:
    """Give what is to be closed, by the run that has read it again."""
    chosen = list(records)
    prospects = prospects_of(history, chosen, specs={workflow.name: workflow.spec})
    found: dict[str, list[Quarantined]] = {}
    for record in chosen:
        if (by := prospects[record.id].by) is not None:
            found.setdefault(by, []).append(record)
    with history.read() as connection:
        readers = find_runs(connection, workflow.name, found.keys())
    return {
        by: of_run
        for by, of_run in found.items()
        if by in readers and readers[by].status == "COMPLETED" and readers[by].config_hash == workflow.config_hash
    }


def _busy_runs(connection: sa.Connection, workflow: str) -> frozenset[str | None]:
    """Give the runs that are on, and those with a replay that nobody has ended yet."""
    open_ones = open_runs(connection, workflow)
    return frozenset({each.run_id for each in open_ones} | {each.replay_of for each in open_ones})
