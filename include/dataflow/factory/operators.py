"""A task of the plan as an Airflow operator, in the groups that it is drawn in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import TaskGroup

from dataflow.factory.assets import outlets_of
from dataflow.factory.retries import NeverRetry
from dataflow.factory.tasks import execute

if TYPE_CHECKING:
    from airflow.sdk import DAG, BaseOperator

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = ["group_of", "operator_of"]

DECISIONS = ("gate", "choice")


def operator_of(workflow: Workflow, task: Task, settings: Settings, *, group: TaskGroup) -> BaseOperator:
    """Make the operator of any task but dbt's."""
    policy = NeverRetry(workflow.spec.never_retry) if workflow.spec.never_retry else None
    arguments = {
        "retry_policy": policy,
        "task_id": _id_within(task),
        "task_group": group,
        **_limits_of(task),
        **_label_of(task),
    }
    if task.kind == "join":
        # Of the branches one ran and the others are skipped; with Airflow's usual rule so would be all that follows.
        return EmptyOperator(trigger_rule="none_failed_min_one_success", **arguments)
    if task.kind == "wait":
        from dataflow.factory.waiting import WaitFor

        return WaitFor(workflow=workflow, task=task, settings=settings, **arguments)
    if task.kind in DECISIONS:
        from dataflow.factory.decisions import Decision

        return Decision(workflow=workflow, planned=task, settings=settings, **arguments)
    if task.kind == "approve":
        from dataflow.factory.decisions import Approval

        return Approval(workflow=workflow, planned=task, settings=settings, **arguments)
    if task.step is not None and task.step.trigger is not None:
        from dataflow.factory.trigger import Trigger

        return Trigger(workflow=workflow, planned=task, settings=settings, said=task.step.trigger, **arguments)
    return PythonOperator(
        python_callable=partial(execute, workflow, task, settings),
        outlets=outlets_of(workflow, task),
        # The runtime logs what a task did; what it returned is on the XCom page.
        show_return_value_in_logs=False,
        **arguments,
    )


def group_of(dag: DAG, task: Task, groups: dict[str, TaskGroup]) -> TaskGroup:
    """Give the innermost group of the task, made at its first one; the DAG's own where it is in none."""
    inner: TaskGroup = dag.task_group
    for group in task.groups:
        if group.id not in groups:
            groups[group.id] = TaskGroup(
                group.id,
                dag=dag,
                parent_group=inner,
                prefix_group_id=group.names_its_tasks,
                group_display_name="" if group.label == group.id else group.label,
            )
        inner = groups[group.id]
    return inner


def _id_within(task: Task) -> str:
    """Give the id without what Airflow puts before it."""
    inner = task.groups[-1] if task.groups else None
    return task.id.removeprefix(f"{inner.id}.") if inner is not None and inner.names_its_tasks else task.id


def _limits_of(task: Task) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if task.step is not None and task.step.timeout is not None:
        limits["execution_timeout"] = task.step.timeout
    if task.step is not None and task.step.retries is not None:
        limits["retries"] = task.step.retries
    return limits


def _label_of(task: Task) -> dict[str, str]:
    """Show a task of a branch without the branch's name, which is on the box around it."""
    if not task.groups or task.groups[-1].names_its_tasks:
        return {}
    label = task.id.removeprefix("".join(f"{group.label}." for group in task.groups))
    return {"task_display_name": label} if label != task.id else {}
