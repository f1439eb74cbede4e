"""A task that starts a run of another workflow, once for each run of ours."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowFailException

from dataflow.factory.tasks import in_airflows_words, request_from, run_state
from dataflow.landing.keys import run_key

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec import steps
    from dataflow.spec.plan import Task

__all__ = ["Trigger", "triggered_run_id"]

POLL_SECONDS = 5


class Trigger(TriggerDagRunOperator):
    """Starts the run under an id that is derived from ours, and takes one that is there already for its own.

    So a retry, or a cleared task, starts no second run.
    """

    template_fields = ()

    def __init__(
        self, *, workflow: Workflow, planned: Task, settings: Settings, said: steps.Trigger, **arguments: Any
    ) -> None:
        self._bound = (workflow, planned, settings)
        super().__init__(
            trigger_dag_id=said.workflow,
            wait_for_completion=said.wait,
            poke_interval=POLL_SECONDS,
            deferrable=False,
            logical_date=None,
            **arguments,
        )

    def execute(self, context: Any) -> None:
        """Start the run if it is not there, and wait for its end where the step says so."""
        from dataflow.ops.history import open_history
        from dataflow.runtime.window import window_of_run

        workflow, task, settings = self._bound
        with in_airflows_words(workflow, task) as log:
            # A run whose work another one did starts nothing.
            window_of_run(open_history(settings.ops), workflow, request=request_from(workflow, context, log=log))
        ti = context["ti"]
        run_id = triggered_run_id(workflow.name, ti.task_id, context["dag_run"].run_id)
        self.trigger_run_id = run_id
        state = run_state(ti, self.trigger_dag_id, run_id)
        if state is None:
            super().execute(context)  # which has Airflow start it, and wait, after this
            return
        self.log.info("run %s of %s is there already, %s", run_id, self.trigger_dag_id, state)
        while self.wait_for_completion and state not in ("success", "failed", None):
            time.sleep(POLL_SECONDS)
            state = run_state(ti, self.trigger_dag_id, run_id)
        if state is None:
            raise AirflowFailException(f"run {run_id} of {self.trigger_dag_id} was there, and is gone")
        if self.wait_for_completion and state == "failed":
            raise AirflowFailException(f"run {run_id} of {self.trigger_dag_id} failed")


def triggered_run_id(workflow: str, task_id: str, run_id: str) -> str:
    """Give the id of the run that this task of this run starts."""
    # Of any length and with any character, a run's id is made short and plain.
    return f"by__{workflow}__{task_id}__{run_key(run_id)}"
