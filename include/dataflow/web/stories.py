"""What run history tells of a workflow and of a run. Samples and reasons were masked before they were kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from dataflow.errors import InputError
from dataflow.ops.figures import last_figures
from dataflow.ops.history import History, existing_history
from dataflow.ops.reading import RunStory, read_run
from dataflow.quarantine.records import Quarantined, count_quarantined, list_quarantined
from dataflow.runtime.quarantine.prospect import Prospect, prospects_of
from dataflow.runtime.telling.schema_changes import SCHEMA_CHANGE
from dataflow.settings import Settings
from dataflow.spec.workflow import WorkflowSpec
from dataflow.web.detail_answers import (
    AnomalyAnswer,
    ChangeKind,
    CheckAnswer,
    FigureAnswer,
    MeasuredAnswer,
    QuarantineAnswer,
    QuarantinedAnswer,
    RunDetail,
    SchemaChangeAnswer,
    StageAnswer,
)

__all__ = ["known_history", "measured_figures", "open_records", "tell_run"]

RECORDS_SHOWN = 100
FIGURES_SHOWN = 60
REASON_LENGTH = 400


def known_history() -> History | None:
    """Give run history as ``DATAFLOW_OPS`` says; None where there is none yet, and none is made.

    Raises:
        TransientError: when its database does not answer.
    """
    found = _history_at(_url())
    if found is None:
        _history_at.cache_clear()  # it may come
    return found


@cache
def _url() -> str:
    try:
        return Settings.load().ops
    except InputError:
        # An API server needs none of a project's files; its environment says where run history lies.
        return Settings.load(Path.cwd()).ops


@cache
def _history_at(url: str) -> History | None:
    return existing_history(url)


def open_records(history: History, workflow: str, *, spec: WorkflowSpec | None) -> QuarantineAnswer:
    """Give what of a workflow nobody replayed yet, and what a replay would do with it.

    Args:
        history: Run history.
        workflow: Its name.
        spec: What its config says; None where that is broken.
    """
    records = list_quarantined(history, workflow=workflow, limit=RECORDS_SHOWN)
    every = count_quarantined(history, workflow=workflow) if len(records) == RECORDS_SHOWN else len(records)
    return _quarantine(history, records, spec=spec, more=every - len(records))


def measured_figures(history: History, workflow: str) -> list[MeasuredAnswer]:
    """Give what the workflow's anomaly checks measured of the last windows."""
    return [
        MeasuredAnswer(
            table=each.table,
            name=each.name,
            measures=each.measures,
            figures=[
                FigureAnswer(
                    window_start=window.start,
                    window_end=window.end,
                    figure=figure.figure,
                    low=figure.low,
                    high=figure.high,
                )
                for window, figure in each.windows
            ],
        )
        for each in last_figures(history, workflow, limit=FIGURES_SHOWN)
    ]


def tell_run(history: History, workflow: str, run_id: str, *, spec: WorkflowSpec | None) -> RunDetail:
    """Give one run.

    Args:
        history: Run history.
        workflow: Whose run.
        run_id: Which.
        spec: What the workflow's config says by now; None where that is broken, or gone.

    Raises:
        InputError: when run history does not know it.
    """
    story = read_run(history, run_id, workflow=workflow)
    run = story.run
    records = list_quarantined(history, workflow=workflow, run_ids=[run_id], only_open=False)
    changes = [row for row in story.anomalies if row["category"] == SCHEMA_CHANGE]
    return RunDetail(
        dag_id=workflow,
        run_id=run_id,
        status=run.status,
        reason=run.reason or "",
        window_start=run.window.start if run.window else None,
        window_end=run.window.end if run.window else None,
        stages=[StageAnswer.model_validate(stage) for stage in story.stages],
        checks=_checks(story),
        anomalies=[AnomalyAnswer.model_validate(row) for row in story.anomalies if row not in changes],
        schema_changes=[_change(row) for row in changes],
        quarantine=_quarantine(history, records[:RECORDS_SHOWN], spec=spec, more=max(len(records) - RECORDS_SHOWN, 0)),
    )


def _checks(story: RunStory) -> list[CheckAnswer]:
    return [CheckAnswer.model_validate({**row, "table": row["table_name"]}) for row in story.checks]


def _change(row: dict[str, Any]) -> SchemaChangeAnswer:
    said = row["metadata"]
    return SchemaChangeAnswer.model_validate({**said, "kind": _kind_of(said), "message": row["message"]})


def _kind_of(said: dict[str, Any]) -> ChangeKind:
    """Tell a change by what `runtime.telling.schema_changes` keeps of it."""
    if "further" in said:
        return "more"
    if "misfit" in said:
        return "misfits"
    if "undeclared" in said:
        return "gone" if said["undeclared"] is None else "undeclared"
    if said["before"] is None:
        return "appeared"
    return "gone" if said["after"] is None else "retyped"


def _quarantine(
    history: History, records: Sequence[Quarantined], *, spec: WorkflowSpec | None, more: int
) -> QuarantineAnswer:
    prospects = prospects_of(history, records, specs={} if spec is None else {spec.name: spec})
    shown = [_record(record, prospects[record.id]) for record in records]
    waiting = sum(each.rows for each in shown if each.state in {"waits", "waits in part"})
    return QuarantineAnswer(rows=waiting, records=shown, more=more)


def _record(record: Quarantined, prospect: Prospect) -> QuarantinedAnswer:
    first = next(iter(record.reasons.values()), {})
    return QuarantinedAnswer(
        id=record.id,
        table=record.key.table,
        rules=list(record.rules),
        rows=record.rows,
        stage=record.key.stage,
        state=prospect.state,
        told=prospect.told,
        run_id=record.key.run_id,
        quarantined_at=record.quarantined_at,
        reason=str(first.get("reason") or "")[:REASON_LENGTH],
    )
