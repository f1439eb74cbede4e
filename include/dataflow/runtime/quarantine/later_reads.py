"""What later runs have read again of a run's rows, so that a replay of it never puts older rows over newer ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.errors import InputError
from dataflow.interval import Interval
from dataflow.quarantine.replays import loads_since
from dataflow.spec.sources import is_windowed
from dataflow.spec.tables import base_source, load_of, tables_of

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.ops.history import History
    from dataflow.ops.runs import RunRecord
    from dataflow.quarantine.replays import Loads
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["Rest", "loads_of", "reads_again", "rest_of", "subtract"]


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of what a run read of one source."""

    read_range: Interval | None = None
    """Of an incremental source: what the run read."""
    rest: Interval | None = None
    """Of it, what no later run has read."""
    superseded_by: str | None = None
    """The last run that has read of it again, where all of it was: each row is judged anew."""


def loads_of(history: History, spec: WorkflowSpec, source: str, *, run_ids: Collection[str]) -> Loads:
    """Give who loaded what of a source, from the first of these runs on."""
    return loads_since(history, spec.name, run_ids=run_ids, tables=_tables(spec, source))


def rest_of(spec: WorkflowSpec, source: str, *, run: RunRecord, loads: Loads) -> Rest:
    """Find what a run read of a source and no later run has loaded again; ``loads`` as `loads_of` gives them for it.

    A windowed source is read again by a run of a window that covers this one's, one with neither window nor cursor by
    every run, unless its rows are appended: then each run's stay beside each other.

    Raises:
        InputError: when what is left lies in several pieces.
    """
    later = loads.after(run.run_id)
    read = run.ranges.get(source)
    if read is not None:
        spans = [
            (each.run_id, span)
            for each in later
            if (span := each.ranges.get(source)) and span.start < read.end and read.start < span.end
        ]
        pieces = subtract(read, (span for _, span in spans))
        if not pieces:
            return Rest(read, None, spans[-1][0])
        if len(pieces) > 1:
            raise InputError(
                f"later runs have read parts in the middle of {read} again; clear run {run.run_id}, which reads it all"
            )
        return Rest(read, pieces[0])
    if run.window is not None and is_windowed(spec.sources[source]):
        covering = [each.run_id for each in later if _covers(each.window, run.window)]
        return Rest(superseded_by=covering[-1] if covering else None)
    if _is_appended(spec, source):
        return Rest()
    return Rest(superseded_by=later[-1].run_id if later else None)


def reads_again(workflow: Workflow, source: str, *, run_id: str, window: Interval, of_run: str, of: Interval) -> bool:
    """Tell whether a row of a run is the same when it comes with the same values, cursor included, in another run.

    Else it may be another row that looks like it: that of another window, or one more of a source whose every read is
    appended.

    Args:
        workflow: Whose runs.
        source: That both read.
        run_id: The other run.
        window: Of the other run.
        of_run: The run that read the row first.
        of: Its window.
    """
    spec = workflow.spec.sources[source]
    if run_id == of_run or spec.incremental is not None:
        return True
    if is_windowed(spec):
        return _covers(window, of)
    return not _is_appended(workflow.spec, source)


def _tables(spec: WorkflowSpec, source: str) -> list[str]:
    return [table for table in tables_of(spec) if base_source(spec, table) == source]


def _is_appended(spec: WorkflowSpec, source: str) -> bool:
    """Tell whether each run's rows stay beside those of the others."""
    return all(load_of(spec, table)[0] == "append" for table in _tables(spec, source))


def _covers(window: Interval, other: Interval) -> bool:
    return window.start <= other.start and other.end <= window.end


def subtract(span: Interval, others: Iterable[Interval]) -> list[Interval]:
    """Give what is left of a span, in order, without what others cover."""
    left = [span]
    for other in others:
        cut = []
        for piece in left:
            if piece.start < min(piece.end, other.start):
                cut.append(Interval(piece.start, min(piece.end, other.start)))
            if max(piece.start, other.end) < piece.end:
                cut.append(Interval(max(piece.start, other.end), piece.end))
        left = cut
    return left
