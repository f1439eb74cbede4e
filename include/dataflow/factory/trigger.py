"""A task that starts a run of another workflow, once for each run of ours, and may wait for its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.triggers.external_task import DagStateTrigger
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType, TaskDeferralTimeout

from dataflow.factory.tasks import in_airflows_words, request_from, run_state
from dataflow.landing.keys import run_key

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec import steps
    from dataflow.spec.plan import Task

__all__ = ["Trigger", "triggered_run_id"]

POLL_SECONDS = 5
ENDED = ("success", "failed")


class Trigger(TriggerDagRunOperator):
    """Starts the run under an id that is derived from ours, and takes one that is there already for its own.

    So a retry, or a cleared task, starts no second run. While it waits it takes no worker's slot; the step's
    ``timeout`` bounds the wait.
    """

    template_fields = ()

    def __init__(
        self, *, workflow: Workflow, planned: Task, settings: Settings, said: steps.Trigger, **arguments: Any
    ) -> None:
        self._bound = (workflow, planned, settings)
        self._waits = said.wait
        super().__init__(
            trigger_dag_id=said.workflow,
            wait_for_completion=False,  # Airflow's own wait has no bound
            deferrable=False,
            logical_date=None,
            **arguments,
        )

    def execute(self, context: Any) -> Any:
        """Start the run if it is not there, and wait for its end where the step says so."""
        from dataflow.ops.history import open_history
        from dataflow.runtime.window import window_of_run

        workflow, task, settings = self._bound
        with in_airflows_words(workflow, task) as log:
            # A run whose work another one did starts nothing.
            window_of_run(open_history(settings.ops), workflow, request=request_from(workflow, context, log=log))
        state = self._state(context)
        if state is None and not self._waits:
            return super().execute(context)  # which has Airflow start it, after this
        if state is None:
            self._start(context)
        else:
            self.log.info("run %s of %s is there already, %s", self.trigger_run_id, self.trigger_dag_id, state)
        if not self._waits:
            return None
        if state in ENDED:
            return self.ended(context)
        ends = DagStateTrigger(
            dag_id=self.trigger_dag_id,
            states=list(ENDED),  # type: ignore[arg-type]  # text is what it sends to Airflow
            run_ids=[str(self.trigger_run_id)],
            poll_interval=POLL_SECONDS,
        )
        return self.defer(trigger=ends, method_name="ended", timeout=self.execution_timeout)

    def ended(self, context: Any, event: Any = None) -> dict[str, Any]:  # noqa: ARG002  # Airflow calls it so
        """Do what the other run's end means."""
        from dataflow.runtime.steps.triggered import settle_triggered

        workflow, task, settings = self._bound
        state = self._state(context)
        with in_airflows_words(workflow, task) as log:
            outcome = settle_triggered(
                workflow,
                request_from(workflow, context, log=log),
                other=self.trigger_dag_id,
                run_id=str(self.trigger_run_id),
                state=state,
                waited=self.execution_timeout,
                settings=settings,
            )
        return outcome.output

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Go on after the triggerer; when nothing ended in time, look once more, and say so in our words."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout:
            return self.ended(context)

    def _state(self, context: Any) -> str | None:
        ti = context["ti"]
        self.trigger_run_id = triggered_run_id(self._bound[0].name, ti.task_id, context["dag_run"].run_id)
        return run_state(ti, self.trigger_dag_id, self.trigger_run_id)

    def _start(self, context: Any) -> None:
        """Have Airflow start it now, as it does for its own operator after that has ended."""
        from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun
        from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

        run_id = str(self.trigger_run_id)
        answer = SUPERVISOR_COMMS.send(TriggerDagRun(dag_id=self.trigger_dag_id, run_id=run_id, logical_date=None))
        if isinstance(answer, ErrorResponse) and answer.error is not ErrorType.DAGRUN_ALREADY_EXISTS:
            raise AirflowRuntimeError(answer)
        self.log.info("started run %s of %s", run_id, self.trigger_dag_id)
        context["ti"].xcom_push(key="trigger_run_id", value=run_id)  # for the link to it


def triggered_run_id(workflow: str, task_id: str, run_id: str) -> str:
    """Give the id of the run that this task of this run starts."""
    # Of any length and with any character, a run's id is made short and plain.
    return f"by__{workflow}__{task_id}__{run_key(run_id)}"
