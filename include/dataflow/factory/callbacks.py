"""What Airflow calls when a run ended: run history learns how, and so do those who want to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["run_ended"]

_log = logging.getLogger("dataflow.factory")


def run_ended(
    workflow: Workflow, settings: Settings, status: Literal["COMPLETED", "FAILED"], context: Mapping[str, Any]
) -> None:
    """Write the end of a run, and tell of it once; bound to its first three arguments, a DAG's callback.

    Airflow calls it in the DAG processor, which gives little: a run that has left the metadata database comes without
    its ``dag_run``, and so without the number of times that it was cleared.
    """
    from dataflow.runtime.finish import finish_run

    dag_run = context.get("dag_run")
    began = getattr(dag_run, "start_date", None)
    run_id, reason = context["run_id"], str(context.get("reason") or "")
    is_news = finish_run(
        workflow.name,
        run_id,
        status=status,
        reason=reason,
        try_number=getattr(dag_run, "clear_number", None) or 0,
        attempt=None if began is None else began.isoformat(),
        settings=settings,
    )
    _log.info("%s: run %s is %s in run history", workflow.name, run_id, status)
    if is_news and workflow.spec.notify:
        from dataflow.factory.notify import tell_of_end

        tell_of_end(workflow, settings, run_id=run_id, failed=status == "FAILED", reason=reason)
