"""Tasks that decide which others run: gates, choices, approvals. The verdict is the runtime's, its effect Airflow's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk.bases.skipmixin import SkipMixin

from dataflow.factory.tasks import decide, in_airflows_words, request_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dataflow.loading.workflow import Workflow
    from dataflow.runtime.outcome import TaskOutcome
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = ["Approval", "Decision"]


class Decision(PythonOperator, SkipMixin):
    """A gate or a choice: runs its function, then has Airflow skip what is not to run.

    Cleared tasks behind it stay skipped: Airflow looks up what a task that "inherits from SkipMixin" decided.
    """

    inherits_from_skipmixin = True

    def __init__(self, *, workflow: Workflow, planned: Task, settings: Settings, **arguments: Any) -> None:
        super().__init__(
            python_callable=partial(decide, workflow, planned, settings), show_return_value_in_logs=False, **arguments
        )

    def execute(self, context: Any) -> dict[str, Any]:
        """Decide; what is returned is the output that later steps read."""
        outcome: TaskOutcome = super().execute(context)
        _skip(self, context, outcome)
        return outcome.output


class Approval(ApprovalOperator):
    """Asks somebody in Airflow's own page for required actions; while it waits it takes no worker's slot.

    The subject is rendered by our runtime, and refusing or not answering in time does what the step says.
    """

    template_fields = ()

    def __init__(self, *, workflow: Workflow, planned: Task, settings: Settings, **arguments: Any) -> None:
        self._bound = (workflow, planned, settings)
        said = planned.step.approve if planned.step is not None else None
        super().__init__(
            subject=said.subject if said is not None else planned.id,
            response_timeout=said.timeout if said is not None else None,
            # It would be taken for how long to wait for the answer.
            execution_timeout=None,
            **{name: value for name, value in arguments.items() if name != "execution_timeout"},
        )

    def execute(self, context: Any) -> None:
        """Ask; the task is woken up with the answer."""
        from dataflow.runtime.steps.approval import subject_of

        workflow, task, settings = self._bound
        with in_airflows_words(workflow, task) as log:
            self.subject = subject_of(workflow, task, request_from(workflow, context, log=log), settings=settings)
        super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        """Do what the answer means."""
        from dataflow.runtime.steps.approval import settle_approval

        workflow, task, settings = self._bound
        with in_airflows_words(workflow, task) as log:
            request = request_from(workflow, context, log=log)
            refused = _refusal(event, rejected=self.REJECT)
            outcome = settle_approval(workflow, task, request, refused=refused, settings=settings)
        _skip(self, context, outcome)
        return outcome.output


def _refusal(event: Mapping[str, Any], *, rejected: str) -> str:
    """Give why it is not approved; empty where it is."""
    if "error" in event:
        return "nobody answered in time" if event.get("error_type") == "timeout" else str(event["error"])
    if rejected not in event["chosen_options"]:
        return ""
    user = event.get("responded_by_user") or {}
    return f"refused by {user.get('name') or 'somebody'}"


def _skip(operator: Any, context: Any, outcome: TaskOutcome) -> None:
    """Skip the tasks of the outcome: Airflow ends the task here, as a success, and never sees what it returns."""
    if not outcome.skips:
        return
    context["ti"].xcom_push(key="return_value", value=outcome.output)
    operator.skip(context["ti"], list(_operators(operator.dag, outcome.skips)))


def _operators(dag: Any, ids: tuple[str, ...]) -> Iterator[Any]:
    for task_id in ids:
        if task_id in dag.task_group_dict:  # dbt's
            yield from dag.task_group_dict[task_id].iter_tasks()
        else:
            yield dag.get_task(task_id)
