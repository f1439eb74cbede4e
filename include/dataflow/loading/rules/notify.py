"""Who is told of what: once each, and of nothing that never happens."""

from __future__ import annotations

from dataflow.loading.rules.subject import Finding, Findings, Subject
from dataflow.spec.schedule import is_windowed_by_ticks, period_of

__all__ = ["notices_are_sound"]


def notices_are_sound(subject: Subject) -> Findings:
    """Check ``notify`` and ``deadline``."""
    spec = subject.spec
    told: set[str] = set()
    for index, each in enumerate(spec.notify):
        if each.connection in told:
            hint = "put its events into one list"
            yield Finding(("notify", index, "connection"), f"'{each.connection}' is told already", hint)
        told.add(each.connection)
        if "late" in each.events and spec.deadline is None:
            steps = ("notify", index, "events", each.events.index("late"))
            yield Finding(steps, "nothing says when a run is late", "give `deadline`, such as deadline: 2h")
    schedule = spec.schedule
    has_logical_date = is_windowed_by_ticks(schedule) and period_of(schedule) is None
    if spec.deadline is not None and spec.deadline.of == "logical_date" and not has_logical_date:
        hint = "write of: queued; only ticks of a cron have one"
        yield Finding(("deadline", "of"), "runs of this schedule have no logical date", hint)
