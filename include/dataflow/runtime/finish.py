"""The end of a run, as its engine tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dataflow.ops.history import open_history
from dataflow.ops.runs import close_run, find_run
from dataflow.ops.stages import StageKey, has_stage, insert_moment, record_anomaly

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["finish_run"]


def finish_run(
    workflow_name: str,
    run_id: str,
    *,
    status: Literal["COMPLETED", "FAILED"],
    reason: str,
    try_number: int,
    attempt: str | None = None,
    settings: Settings,
) -> bool:
    """Write how the run ended; told twice of the same try, it is written once. Tell whether it was news.

    A run that is deleted and begins anew under its id counts its tries from the first again: ``attempt`` says which
    start of the run it was.

    A run that was superseded stays so: for its engine, which skipped its tasks, it is a success.
    """
    history = open_history(settings.ops)
    key = StageKey(workflow=workflow_name, run_id=run_id, stage=status, try_number=try_number, attempt=attempt)
    with history.write() as connection:
        run = find_run(connection, workflow_name, run_id=run_id)
        if run is not None and run.status == "SUPERSEDED":
            return False
        is_news = not has_stage(connection, key)
        close_run(connection, workflow_name, run_id=run_id, status=status, reason=reason)
        insert_moment(connection, key, message=reason)
    if status == "FAILED" and is_news:
        record_anomaly(history, key, category="WORKFLOW_FAILURE", message=reason or "the run failed")
    return is_news
