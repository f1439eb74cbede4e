"""What a replay would do by now with rows of quarantine: later runs may have read them again, and judged them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from dataflow.errors import InputError
from dataflow.ops.runs import find_runs
from dataflow.quarantine.records import list_quarantined
from dataflow.runtime.quarantine.later_reads import loads_of, rest_of

if TYPE_CHECKING:
    from dataflow.ops.history import History
    from dataflow.ops.runs import RunRecord
    from dataflow.quarantine.records import Quarantined
    from dataflow.quarantine.replays import Loads
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["Prospect", "Standing", "prospects_of", "set_aside_by"]

Standing = Literal["waits", "waits in part", "read again", "replayed"]


@dataclass(frozen=True, slots=True)
class Prospect:
    """What becomes of a record's rows."""

    state: Standing
    told: str = ""
    """Why a replay would not put back every row that passes; empty where it would."""
    by: str | None = None
    """The last run that has read all of the rows again, where no one has written that into the record yet."""


def prospects_of(
    history: History, records: Iterable[Quarantined], *, specs: Mapping[str, WorkflowSpec]
) -> dict[int, Prospect]:
    """Say for each record, by its id, what a replay would do with its rows now.

    Nothing is written, and no file is read: a few queries for each workflow, however many the records are.

    Args:
        history: Where the records are from.
        records: Of any workflows.
        specs: The workflows that can run, by name.
    """
    found: dict[int, Prospect] = {}
    judged: list[Quarantined] = []
    for record in records:
        prospect = _known(record, specs)
        if prospect is None:
            judged.append(record)
        else:
            found[record.id] = prospect
    judged.sort(key=_workflow_and_table)
    for (name, table), of_table in groupby(judged, key=_workflow_and_table):
        found |= _of_table(history, specs[name], table, list(of_table))
    return found


def _workflow_and_table(record: Quarantined) -> tuple[str, str]:
    return record.key.workflow, record.key.table


def _known(record: Quarantined, specs: Mapping[str, WorkflowSpec]) -> Prospect | None:
    """Say what the record itself tells; None where that depends on what other runs did."""
    if record.superseded_by:
        return Prospect("read again", f"{record.superseded_by} judged these rows anew: a replay puts none of them back")
    if record.replayed_by:
        return Prospect("replayed", f"{record.replayed_by} replayed these rows: another replay puts none of them back")
    name, table = _workflow_and_table(record)
    spec = specs.get(name)
    if spec is None or table not in spec.sources:
        gone = name if spec is None else f"the source {table} of {name}"
        return Prospect("waits", f"{gone} is not there, or its config is broken: a replay is refused until it is")
    return None


def _of_table(history: History, spec: WorkflowSpec, table: str, records: list[Quarantined]) -> dict[int, Prospect]:
    run_ids = {record.key.run_id for record in records}
    with history.read() as connection:
        runs = find_runs(connection, spec.name, run_ids)
    loads = loads_of(history, spec, table, run_ids=run_ids)
    of_run = {run_id: _of_run(spec, table, run_id=run_id, run=runs.get(run_id), loads=loads) for run_id in run_ids}
    judges = {each.by for each in of_run.values() if each.by is not None}
    left = _set_aside(history, spec.name, table, by=judges)
    found = {}
    for record in records:
        prospect = of_run[record.key.run_id]
        told = prospect.told + (left[prospect.by] if prospect.by is not None else "")
        found[record.id] = replace(prospect, told=told)
    return found


def _of_run(spec: WorkflowSpec, table: str, *, run_id: str, run: RunRecord | None, loads: Loads) -> Prospect:
    """Give the prospect of rows of a run that wait."""
    if run is None:
        return Prospect("waits", f"a replay is refused: run history no longer knows run {run_id}")
    try:
        rest = rest_of(spec, table, run=run, loads=loads)
    except InputError as error:
        return Prospect("waits", f"a replay is refused: {error}")
    by = rest.superseded_by
    if by is not None:
        told = f"run {by} has read these rows again since, and judged them: a replay puts none of them back"
        return Prospect("read again", told, by)
    if run.status != "COMPLETED":
        told = f"run {run_id} has not completed ({run.status}): a replay is refused until it has"
        return Prospect("waits", told)
    if rest.rest != rest.read_range:
        source = spec.sources[table]
        cursor = source.incremental.cursor if source.incremental else "cursor"
        told = (
            f"its run read {rest.read_range}, and later runs have read all but {rest.rest} again since, and judged it: "
            f"a replay puts back only rows whose {cursor} lies there"
        )
        return Prospect("waits in part", told)
    return Prospect("waits")


def set_aside_by(history: History, workflow: str, table: str, *, by: str) -> str:
    """Say which records of a run that read rows again wait, as the end of a sentence; empty where none does."""
    return _set_aside(history, workflow, table, by={by})[by]


def _set_aside(history: History, workflow: str, table: str, *, by: set[str]) -> dict[str, str]:
    if not by:
        return {}
    waiting: dict[str, list[str]] = {run_id: [] for run_id in by}
    for each in list_quarantined(history, workflow=workflow, run_ids=by):
        if each.key.table == table:
            waiting[each.key.run_id].append(str(each.id))
    return {
        run_id: f"; what it set aside itself waits as {', '.join(numbers)}: replay that" if numbers else ""
        for run_id, numbers in waiting.items()
    }
