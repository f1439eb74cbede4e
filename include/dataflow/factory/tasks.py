"""One task of a workflow, as Airflow calls it: its context in, our errors out in Airflow's words."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError, AirflowSkipException, ErrorType
from airflow.sdk.log import mask_secret

from dataflow import connections
from dataflow.errors import ConfigError, FatalError, InputError, RunSuperseded, TransientError
from dataflow.factory.assets import describe_events, outlets_of
from dataflow.factory.metrics import counter_of
from dataflow.factory.schedule import interval_of, partition_of
from dataflow.masking import forms_of
from dataflow.runtime.request import RunKind, RunRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.loading.workflow import Workflow
    from dataflow.runtime.outcome import TaskOutcome
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = [
    "airflow_connection",
    "decide",
    "execute",
    "in_airflows_words",
    "request_from",
    "resolve_reference",
    "run_state",
]

_KINDS: dict[str, RunKind] = {
    "scheduled": "scheduled",
    "backfill": "backfill",
    "asset_triggered": "asset",
    "asset_materialization": "asset",
}
"""Of Airflow's run types; every other one is a run that somebody asked for."""


def execute(workflow: Workflow, task: Task, settings: Settings, /, **context: Any) -> dict[str, Any]:
    """Run a task that decides nothing; bound to its first three arguments, a PythonOperator's callable.

    Those go by place only: the context has a ``task`` too.

    Raises:
        AirflowSkipException: when a newer run did this work already; what comes after is skipped too.
        AirflowFailException: when another try would fail the same way.
        TransientError: and any other error as it is, so that ``retries`` apply.
    """
    outcome = decide(workflow, task, settings, **context)
    describe_events(context, outlets_of(workflow, task), outcome.output)
    return outcome.output


def decide(workflow: Workflow, task: Task, settings: Settings, /, **context: Any) -> TaskOutcome:
    """Run the task as `execute` does, and give all of its outcome."""
    from dataflow.runtime.run import run_task

    with in_airflows_words(workflow, task) as log:
        return run_task(workflow, task, request=request_from(workflow, context, log=log), settings=settings)


@contextmanager
def in_airflows_words(workflow: Workflow, task: Task) -> Iterator[logging.Logger]:
    """Turn our errors into what Airflow does next; gives the workflow's log."""
    log = logging.getLogger(f"dataflow.{workflow.name}")
    connections.look_up_with(airflow_connection)
    try:
        yield log
    except RunSuperseded as exc:
        raise AirflowSkipException(str(exc)) from exc
    except (FatalError, InputError, ConfigError) as exc:
        log.error("%s of %s failed, and another try would too: %s", task.id, workflow.name, exc)  # noqa: TRY400  # Airflow logs the trace
        raise AirflowFailException(str(exc)) from exc


def request_from(workflow: Workflow, context: dict[str, Any], *, log: logging.Logger) -> RunRequest:
    """Read what the runtime needs to know from the context of an Airflow task."""
    dag_run, ti = context["dag_run"], context["ti"]
    schedule = workflow.spec.schedule
    return RunRequest(
        workflow=workflow.name,
        run_id=dag_run.run_id,
        kind=_KINDS.get(str(getattr(dag_run.run_type, "value", dag_run.run_type)), "manual"),
        run_after=dag_run.run_after,
        interval=interval_of(dag_run, schedule),
        partition_key=dag_run.partition_key,
        partition=partition_of(dag_run, schedule),
        params=dict(context["params"]),
        task_id=ti.task_id,
        try_number=ti.try_number,
        attempt=str(ti.id),  # a UUID of version 7, which begins with its time: another one for each try
        output=lambda task_id: ti.xcom_pull(task_ids=task_id),
        state_of=lambda run_id: run_state(ti, workflow.name, run_id),
        log=log,
        resolve=resolve_reference,
        mask=_mask,
        count=counter_of(workflow.name, ti.task_id),
    )


def _mask(value: str) -> None:
    """Have Airflow hide a value in each form in which we hide it: its own masker knows a value only as it is."""
    for form in sorted(forms_of(value)):
        mask_secret(form)


def run_state(ti: Any, dag_id: str, run_id: str) -> str | None:
    """Give the state of a run as Airflow tells it to a task; None where there is no such run.

    Raises:
        TransientError: when Airflow does not tell.
    """
    try:
        state = ti.get_dagrun_state(dag_id=dag_id, run_id=run_id)
    except AirflowRuntimeError as exc:
        detail = exc.error.detail or {}
        if detail.get("status_code") == 404:
            return None
        # Not knowing is not the same as gone: a run taken for gone would be closed in run history.
        raise TransientError(f"Airflow does not tell the state of run {run_id}: {exc}") from exc
    return str(getattr(state, "value", state))


def resolve_reference(reference: str) -> str:
    """Give the value of ``conn:ID.password`` or ``var:KEY``.

    Airflow masks in every log what may be a secret: passwords and extras, and variables whose key says so.

    Raises:
        FatalError: when there is no such connection, field or variable.
    """
    kind, _, name = reference.partition(":")
    return _variable(name) if kind == "var" else _connection_field(name)


def _variable(key: str) -> str:
    from airflow.sdk import Variable

    try:
        return str(Variable.get(key))
    except AirflowRuntimeError as exc:
        if exc.error.error is not ErrorType.VARIABLE_NOT_FOUND:
            raise TransientError(f"Airflow does not give variable {key!r}: {exc.error.error.value}") from exc
        raise FatalError(f"${{var:{key}}}: Airflow has no such variable; `airflow variables set {key} ...`") from None


def airflow_connection(connection_id: str) -> connections.Connection | None:
    """Give a connection as Airflow knows it; None where it knows none.

    Raises:
        TransientError: when Airflow does not tell.
    """
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = Connection.get(connection_id)
    except AirflowNotFoundException:
        return None
    except AirflowRuntimeError as exc:
        raise TransientError(f"Airflow does not give connection {connection_id!r}: {exc.error.error.value}") from exc
    if found.password:
        _mask(found.password)
    return connections.Connection(
        id=connection_id,
        conn_type=found.conn_type or "",
        host=found.host or "",
        port=found.port,
        schema=found.schema or "",
        login=found.login or "",
        password=found.password or "",
        extra=found.extra_dejson,
    )


def _connection_field(name: str) -> str:
    connection_id, _, field = name.rpartition(".")
    connection = airflow_connection(connection_id)
    if connection is None:
        raise FatalError(
            f"${{conn:{name}}}: Airflow has no connection {connection_id!r}; "
            f"`airflow connections add {connection_id} ...`"
        )
    plain = {"host", "login", "schema", "port"}
    own = plain | {"password"}
    value = getattr(connection, field) if field in own else connection.extra.get(field)
    if value in (None, ""):
        raise FatalError(f"${{conn:{name}}}: connection {connection_id!r} has no {field}")
    if field not in plain:
        _mask(str(value))
    return str(value)
