"""What the engine, Airflow or the CLI, knows about the run and the task that it starts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dataflow.interval import Interval

if TYPE_CHECKING:
    from dataflow.quality.outcome import CheckOutcome

__all__ = ["Count", "Engine", "Judged", "RunKind", "RunRequest"]

Engine = Literal["airflow", "local"]
RunKind = Literal["scheduled", "manual", "asset", "backfill"]

Judged = Callable[[str, "CheckOutcome"], None]
"""Called with a check's table and what came of it, sample rows included."""


class Count(Protocol):
    """Tells the engine's metrics how much of something there was, e.g. ``count("rows", 20, table="orders")``."""

    def __call__(self, name: str, amount: float, /, **tags: str) -> None:
        """Tell; ``lock_wait`` is in seconds, everything else is a number of things."""


@dataclass(frozen=True)
class RunRequest:
    """One task of one run, as its engine sees it. The runtime knows of no other engine."""

    workflow: str
    run_id: str
    kind: RunKind
    run_after: datetime
    """When the run was due; with a time zone."""
    interval: Interval | None
    """The engine's data interval; None where the schedule has no ticks of its own."""
    partition_key: str | None
    partition: Interval | None
    """The period that the partition key names."""
    params: Mapping[str, Any]
    task_id: str
    try_number: int
    output: Callable[[str], Any]
    """What an earlier task of this run returned, as JSON, by task id; None where it returned nothing."""
    state_of: Callable[[str], str | None]
    """``success``, ``failed``, ``running`` or ``queued`` for another run of this workflow; None if it is gone."""
    log: logging.Logger
    attempt: str | None = None
    """Which start of that try; of an engine that takes tasks for dead: it grows from each start to the next."""
    window: Interval | None = None
    """A window that a person asked for, as with ``--window``; it goes before every other."""
    engine: Engine = "airflow"
    resolve: Callable[[str], str] | None = None
    """Gives the value of ``conn:ID.password`` or ``var:KEY``."""
    mask: Callable[[str], None] = lambda _: None
    """Tells the engine of a value that none of its logs may show."""
    judged: Judged = lambda _, __: None
    """Of an engine that shows failing rows to the person who runs it."""
    watch: Callable[[str], None] = lambda _: None
    """Of an engine that shows how far a task is, in words, while it goes on."""
    count: Count = lambda _, __, /, **tags: None  # noqa: ARG005  # the default of a field
    """Of an engine that has metrics."""
