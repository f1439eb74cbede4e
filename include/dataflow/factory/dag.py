"""A workflow as an Airflow DAG."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param

from dataflow.factory.callbacks import run_ended
from dataflow.factory.deadline import deadline_alert
from dataflow.factory.describe import describe
from dataflow.factory.file_arrivals import arrivals_of
from dataflow.factory.operators import group_of, operator_of
from dataflow.factory.schedule import airflow_schedule, start_of
from dataflow.loading.carried import carry
from dataflow.spec.params import param_schema
from dataflow.spec.schedule import FileSchedule

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, TaskGroup

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = ["build_dag"]


def build_dag(workflow: Workflow, settings: Settings, *, with_models: bool = True) -> DAG:
    """Make the DAG of a workflow: a task for each of its plan, and the dbt group.

    Args:
        workflow: The workflow.
        settings: Where its tasks find data; bound to them, never serialized.
        with_models: False leaves the dbt group out. A task that is not of it starts sooner without, and whatever
            happened to the models meanwhile.
    """
    spec = workflow.spec
    dag = DAG(
        workflow.name,
        schedule=_schedule(workflow),
        start_date=start_of(spec.start_date, spec.schedule) if spec.start_date else None,
        catchup=spec.catchup,
        max_active_runs=spec.max_active_runs,
        **_limits(),
        dagrun_timeout=spec.dagrun_timeout,
        default_args=_default_args(workflow, _manifest(workflow, settings) if with_models else None),
        params={name: Param(param.default, **param_schema(param)) for name, param in spec.params.items()},
        dag_display_name=spec.title or workflow.name,
        description=spec.description,
        doc_md=describe(workflow),
        owner_links={owner: link for owner, link in spec.owner_links.items() if owner == spec.owner},
        tags=sorted(spec.tags),
        deadline=deadline_alert(workflow),
        on_success_callback=partial(run_ended, workflow, settings, "COMPLETED"),
        on_failure_callback=partial(run_ended, workflow, settings, "FAILED"),
        # The file that asks for DAGs keeps them in its globals; a file that only wants their problems must not.
        auto_register=False,
    )
    _add_tasks(dag, workflow, settings, with_models=with_models)
    return dag


def _schedule(workflow: Workflow) -> Any:
    schedule = workflow.spec.schedule
    return arrivals_of(workflow, schedule) if isinstance(schedule, FileSchedule) else airflow_schedule(schedule)


@cache
def _limits() -> dict[str, Any]:
    """Read once what Airflow reads of its configuration for every DAG; it is a tenth of a plain DAG's time."""
    from airflow.sdk.configuration import conf

    return {
        "max_active_tasks": conf.getint("core", "max_active_tasks_per_dag"),
        "max_consecutive_failed_dag_runs": conf.getint("core", "max_consecutive_failed_dag_runs_per_dag"),
        "disable_bundle_versioning": conf.getboolean("dag_processor", "disable_bundle_versioning"),
    }


def _manifest(workflow: Workflow, settings: Settings) -> str | None:
    if not workflow.models:
        return None
    from dataflow.modelling.manifest import manifest_hash

    return manifest_hash(workflow, settings)


def _default_args(workflow: Workflow, manifest: str | None) -> dict[str, Any]:
    spec = workflow.spec
    args: dict[str, Any] = {
        "owner": spec.owner,
        "retries": spec.retries,
        "retry_delay": spec.retry_delay,
        # Airflow's flag is a factor, and 0 means that the pause stays the same.
        "retry_exponential_backoff": 2.0 if spec.retry_exponential_backoff else 0,
        "priority_weight": spec.priority_weight,
        "dataflow": carry(workflow, manifest=manifest),
    }
    if spec.execution_timeout is not None:
        args["execution_timeout"] = spec.execution_timeout
    if spec.pool is not None:
        args["pool"] = spec.pool
    return args


def _add_tasks(dag: DAG, workflow: Workflow, settings: Settings, *, with_models: bool) -> None:
    made: dict[str, BaseOperator | TaskGroup] = {}
    groups: dict[str, TaskGroup] = {}
    with dag:
        for task in workflow.plan.tasks:
            if task.kind == "dbt" and not with_models:
                continue
            group = group_of(dag, task, groups)
            node = (
                _models(workflow, task, settings, group=group)
                if task.kind == "dbt"
                else operator_of(workflow, task, settings, group=group)
            )
            for before in task.after:
                if before in made:
                    node.set_upstream(made[before])
            made[task.id] = node


def _models(workflow: Workflow, task: Task, settings: Settings, *, group: TaskGroup) -> TaskGroup:
    # Cosmos costs 0.7 s at its first import, which a workflow without models does not pay.
    from dataflow.factory.dbt_group import dbt_group

    with nullcontext() if group.is_root else group:
        made: TaskGroup = dbt_group(workflow, settings, step=task.step)
    return made
