"""What surrounds a dbt invocation that the engine makes: its run, its window, and run history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.modelling.environment import run_environment, window_environment
from dataflow.ops.history import open_history
from dataflow.ops.stages import begin_stage, end_stage, open_stage, record_anomaly
from dataflow.runtime.recording import stage_key
from dataflow.runtime.request import RunRequest
from dataflow.runtime.window import window_of_run

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["after_dbt", "before_dbt"]


def before_dbt(workflow: Workflow, settings: Settings, request: RunRequest) -> dict[str, str]:
    """Begin the run's MODELLED stage, and give the environment that dbt needs of the run.

    Raises:
        RunSuperseded: when another run did this one's work; the engine skips.
    """
    history = open_history(settings.ops)
    run = window_of_run(history, workflow, request=request)
    begin_stage(history, stage_key(workflow, request, stage="MODELLED"))
    window = window_environment(run.window.start.isoformat(), run.window.end.isoformat())
    return window | run_environment(request.run_id)


def after_dbt(workflow: Workflow, settings: Settings, request: RunRequest, *, error: str = "") -> None:
    """End the stage that `before_dbt` began; harmless where it began none."""
    history = open_history(settings.ops)
    key = stage_key(workflow, request, stage="MODELLED")
    number = open_stage(history, key)
    if number is None:
        return
    end_stage(history, number, outcome="failed" if error else "succeeded", message=error)
    if error:
        record_anomaly(history, key, category="STEP_ERROR", message=error, metadata={"stage": "MODELLED"})
