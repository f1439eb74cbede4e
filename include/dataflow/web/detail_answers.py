"""What the API answers of one workflow and of one run, beyond what the list of all shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from dataflow.web.answers import Answer, SourceAnswer, TableAnswer, WorkflowAnswer

__all__ = [
    "AnomalyAnswer",
    "ChangeKind",
    "CheckAnswer",
    "ColumnAnswer",
    "FigureAnswer",
    "MeasuredAnswer",
    "QuarantineAnswer",
    "QuarantinedAnswer",
    "RunDetail",
    "SchemaChangeAnswer",
    "SourceDetail",
    "StageAnswer",
    "TableDetail",
    "WorkflowDetail",
]


class ColumnAnswer(Answer):
    """One declared column."""

    name: str
    type: str
    description: str
    path: str | None
    sensitive: bool


class TableDetail(TableAnswer):
    """One loaded table, and what is declared of its columns."""

    declared: list[ColumnAnswer]


class SourceDetail(SourceAnswer):
    """Where a table comes from, as its config says it."""

    config: dict[str, Any]
    """As written: references unresolved, and of a secret nothing but its references. Defaults are left out."""


class QuarantinedAnswer(Answer):
    """Rows that one try of a task set aside."""

    id: int
    table: str
    rules: list[str]
    rows: int
    stage: str
    state: Literal["waits", "waits in part", "read again", "replayed"]
    told: str
    """Why a replay would not put back every row that passes; empty where it would."""
    run_id: str
    quarantined_at: datetime
    reason: str
    """Of the first rule."""


class QuarantineAnswer(Answer):
    """What lies in quarantine: of a workflow what waits, of a run all that it set aside."""

    rows: int
    """That wait, of these records; one that waits in part counts whole."""
    records: list[QuarantinedAnswer]
    """The newest first."""
    more: int
    """How many older records are left out."""


class FigureAnswer(Answer):
    """What a check measured of one window, and between what it was expected, as far as that was known."""

    window_start: datetime
    window_end: datetime
    figure: float
    low: float | None
    high: float | None


class MeasuredAnswer(Answer):
    """What an anomaly check measured of the last windows, the latest last."""

    table: str
    name: str
    measures: str
    figures: list[FigureAnswer]


class WorkflowDetail(WorkflowAnswer):
    """One workflow with its config and what run history knows of it."""

    sources: list[SourceDetail]  # type: ignore[assignment]  # narrower, and answers are frozen
    tables: list[TableDetail]  # type: ignore[assignment]
    quarantine: QuarantineAnswer | None
    """None where there is no run history to read."""
    corrections: int | None
    """How many are made again, unasked, whenever a run reads the very same bad rows."""
    measured: list[MeasuredAnswer] | None
    history_problem: str
    """Why run history could not be read; empty where it could, and where there is none yet."""


class StageAnswer(Answer):
    """One try of one stage."""

    stage: str
    task_id: str
    table: str | None
    try_number: int
    state: str
    message: str
    began_at: datetime
    seconds: float | None
    rows_in: int | None
    rows_out: int | None


class CheckAnswer(Answer):
    """One check, judged in one try."""

    table: str
    task_id: str
    try_number: int
    name: str
    kind: str
    columns: list[str]
    status: str
    """``passed``, ``failed``, ``warned``, ``quarantined``, or ``error``: it could not be evaluated."""
    on_fail: str
    failures: int
    rows: int
    message: str
    sample: list[dict[str, Any]]
    """At most five failing rows; sensitive values were masked before they were kept."""


class AnomalyAnswer(Answer):
    """Something odd in a run."""

    severity: Literal["error", "warning", "info"]
    category: str
    message: str
    task_id: str
    detected_at: datetime


ChangeKind = Literal["appeared", "gone", "retyped", "undeclared", "misfits", "more"]
"""``undeclared``: the source has it, the config does not, and it is not landed; ``misfits``: some of its values are not
as declared; ``more``: no one column, but how many changed beyond those that are told."""


class SchemaChangeAnswer(Answer):
    """A column that came, went or has another type than in the last run, or that is not as the config says."""

    table: str
    column: str
    kind: ChangeKind
    before: str | None = None
    """Its type, of a landed column that is gone or has another one."""
    after: str | None = None
    message: str


class RunDetail(Answer):
    """One run as run history keeps it."""

    dag_id: str
    run_id: str
    status: str
    reason: str
    window_start: datetime | None
    window_end: datetime | None
    stages: list[StageAnswer]
    checks: list[CheckAnswer]
    anomalies: list[AnomalyAnswer]
    """The earliest first; changes of columns stand apart."""
    schema_changes: list[SchemaChangeAnswer]
    quarantine: QuarantineAnswer
