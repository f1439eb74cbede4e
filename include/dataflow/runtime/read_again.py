"""What later runs have read again of a run's rows, so that a replay of it never puts older rows over newer ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.errors import InputError
from dataflow.interval import Interval
from dataflow.ops.replays import later_loads
from dataflow.spec.sources import is_windowed
from dataflow.spec.tables import base_source, load_of, tables_of

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.ops.history import History
    from dataflow.ops.runs import RunRecord

__all__ = ["Rest", "rest_of", "subtract"]


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of what a run read of one source."""

    read_range: Interval | None = None
    """Of an incremental source: what the run read."""
    rest: Interval | None = None
    """Of it, what no later run has read."""
    superseded_by: str | None = None
    """The run that has read all of it again, and judged each row anew."""


def rest_of(history: History, workflow: Workflow, source: str, *, run: RunRecord) -> Rest:
    """Find what no later run has loaded again.

    A windowed source is read again by a run of a window that covers this one's, one with neither window nor cursor by
    every run, unless its rows are appended: then each run's stay beside each other.

    Raises:
        InputError: when what is left lies in several pieces.
    """
    spec = workflow.spec
    tables = [table for table in tables_of(spec) if base_source(spec, table) == source]
    later = later_loads(history, workflow.name, run_id=run.run_id, tables=tables)
    read = run.ranges.get(source)
    if read is not None:
        spans = [(each.run_id, each.ranges[source]) for each in later if source in each.ranges]
        pieces = subtract(read, (span for _, span in spans))
        if not pieces:
            return Rest(read, None, spans[-1][0])
        if len(pieces) > 1:
            raise InputError(
                f"later runs have read parts in the middle of {read} again; clear run {run.run_id}, which reads it all"
            )
        return Rest(read, pieces[0])
    if run.window is not None and is_windowed(spec.sources[source]):
        covering = (
            each for each in later if each.window.start <= run.window.start and run.window.end <= each.window.end
        )
        return Rest(superseded_by=next((each.run_id for each in covering), None))
    if all(load_of(spec, table)[0] == "append" for table in tables):
        return Rest()
    return Rest(superseded_by=later[-1].run_id if later else None)


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
