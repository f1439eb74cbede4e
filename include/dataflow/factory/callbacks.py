"""What Airflow calls when a run ended: run history learns how."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.settings import Settings

__all__ = ["run_ended"]

_log = logging.getLogger("dataflow.factory")


def run_ended(settings: Settings, status: Literal["COMPLETED", "FAILED"], context: Mapping[str, Any]) -> None:
    """Write the end of a run; bound to its first two arguments, a DAG's ``on_success_callback``.

    Airflow calls it in the DAG processor, which gives little: a run that has left the metadata database comes without
    its ``dag_run``, and so without the number of times that it was cleared.
    """
    from dataflow.runtime.finish import finish_run

    dag_run = context.get("dag_run")
    workflow, run_id = context["dag"].dag_id, context["run_id"]
    finish_run(
        workflow,
        run_id,
        status=status,
        reason=str(context.get("reason") or ""),
        try_number=getattr(dag_run, "clear_number", None) or 0,
        settings=settings,
    )
    _log.info("%s: run %s is %s in run history", workflow, run_id, status)
