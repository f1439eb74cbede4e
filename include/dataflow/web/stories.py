"""What run history tells of a workflow and of a run. Samples and reasons were masked before they were kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from dataflow.errors import InputError
from dataflow.ops.figures import last_figures
from dataflow.ops.history import History, existing_history
from dataflow.ops.quarantine import Quarantined, count_open, list_quarantined
from dataflow.ops.reading import RunStory, read_run
from dataflow.runtime.schema_changes import SCHEMA_CHANGE
from dataflow.settings import Settings
from dataflow.web.detail_answers import (
    AnomalyAnswer,
    CheckAnswer,
    FigureAnswer,
    MeasuredAnswer,
    QuarantineAnswer,
    QuarantinedAnswer,
    RunDetail,
    SchemaChangeAnswer,
    StageAnswer,
)

__all__ = ["known_history", "measured_figures", "tell_run", "waiting_rows"]

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


def waiting_rows(history: History, workflow: str) -> QuarantineAnswer:
    """Give what of a workflow waits in quarantine."""
    return _quarantine(count_open(history, workflow), list_quarantined(history, workflow=workflow))


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


def tell_run(history: History, workflow: str, run_id: str) -> RunDetail:
    """Give one run.

    Raises:
        InputError: when run history does not know it.
    """
    story = read_run(history, run_id, workflow=workflow)
    run = story.run
    records = list_quarantined(history, workflow=workflow, run_id=run_id, only_open=False)
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
        quarantine=_quarantine(count_open(history, workflow, run_id=run_id), records),
    )


def _checks(story: RunStory) -> list[CheckAnswer]:
    return [CheckAnswer.model_validate({**row, "table": row["table_name"]}) for row in story.checks]


def _change(row: dict[str, Any]) -> SchemaChangeAnswer:
    return SchemaChangeAnswer.model_validate({**row["metadata"], "message": row["message"]})


def _quarantine(rows: int, records: Sequence[Quarantined]) -> QuarantineAnswer:
    shown = [_record(record) for record in records[:RECORDS_SHOWN]]
    return QuarantineAnswer(rows=rows, records=shown, more=len(records) - len(shown))


def _record(record: Quarantined) -> QuarantinedAnswer:
    first = next(iter(record.reasons.values()), {})
    return QuarantinedAnswer(
        id=record.id,
        table=record.key.table,
        rules=list(record.rules),
        rows=record.rows,
        stage=record.key.stage,
        state="waits" if record.is_open else "read again" if record.superseded_by else "replayed",
        run_id=record.key.run_id,
        quarantined_at=record.quarantined_at,
        reason=str(first.get("reason") or "")[:REASON_LENGTH],
    )
