"""What a run waits for, as Airflow's sensors: templates are rendered by us, and nobody holds a slot meanwhile.

Files and addresses are watched in the triggerer; queries and functions are looked at by a task that comes again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.sensor import BaseSensorOperator
from airflow.sdk.exceptions import AirflowSensorTimeout

from dataflow.durations import format_duration
from dataflow.errors import StepError
from dataflow.factory.tasks import in_airflows_words, request_from
from dataflow.factory.wait_triggers import AddressTrigger, ObjectTrigger
from dataflow.masking import mask_error
from dataflow.spec.waiting import wait_kind, waiting_of

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

    from dataflow.loading.workflow import Workflow
    from dataflow.runtime.steps.waiting import Awaited
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = ["WaitFor"]

_DEFERRED = ("file", "http")


class WaitFor(BaseSensorOperator):
    """One item of ``wait_for``."""

    template_fields = ()

    def __init__(self, *, workflow: Workflow, task: Task, settings: Settings, **kwargs: Any) -> None:
        waiting = waiting_of(workflow.spec.wait_for, task.id)
        self._is_deferred = wait_kind(waiting) in _DEFERRED
        mode = "poke" if self._is_deferred else "reschedule"
        super().__init__(mode=mode, timeout=waiting.timeout, poke_interval=waiting.poke_interval, **kwargs)
        self._of = (workflow, task, settings)

    def execute(self, context: Any) -> None:
        """Look, and wait where it is not there yet.

        Raises:
            AirflowSkipException: when a newer run did this run's work already.
            AirflowSensorTimeout: when it was not there in time.
        """
        workflow, task, _ = self._of
        try:
            with in_airflows_words(workflow, task):
                if self._is_deferred:
                    self._defer_unless_there(context)
                else:
                    super().execute(context)
        except AirflowSensorTimeout:
            raise self._timed_out(context) from None
        except Exception as exc:
            mask_error(exc)
            raise

    def poke(self, context: Any) -> bool:
        """Look once."""
        found, there = self._look(context)
        self.log.info("%s: %s is %s", found.key, found.written, "there" if there else "not there yet")
        return there

    def arrived(self, context: Any, event: Any) -> None:  # noqa: ARG002  # Airflow calls it so
        """Go on after the triggerer saw it.

        Raises:
            StepError: when the triggerer could not look.
        """
        if isinstance(event, dict) and event.get("status") == "error":
            raise StepError(f"{self.task_id}: {event.get('message')}")
        self.log.info("%s: it is there", self.task_id)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Go on after the triggerer; tell in our words when it saw nothing in time."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSensorTimeout:
            raise self._timed_out(context) from None

    def _look(self, context: Any) -> tuple[Awaited, bool]:
        from dataflow.runtime.steps.waiting import is_there

        found, step = self._awaited(context)
        there = is_there(found, step)
        if there is None and found.kind == "sql":
            there = _first_value(found)
        return found, bool(there)

    def _awaited(self, context: Any) -> Any:
        from dataflow.runtime.steps.waiting import awaited

        workflow, task, settings = self._of
        log = logging.getLogger(f"dataflow.{workflow.name}")
        return awaited(workflow, task, request_from(workflow, context, log=log), settings=settings)

    def _defer_unless_there(self, context: Any) -> None:
        from dataflow.runtime.steps.waiting import is_there

        found, step = self._awaited(context)
        if is_there(found, step):
            self.log.info("%s: %s is there", found.key, found.written)
            return
        self.log.info("%s: waits up to %s for %s", found.key, format_duration(found.timeout), found.written)
        self.defer(trigger=_trigger(found, step), method_name="arrived", timeout=found.timeout)

    def _timed_out(self, context: Any) -> AirflowSensorTimeout:
        """Write into run history that the wait is over, for whoever is told of it, and give the error."""
        from dataflow.ops.history import open_history
        from dataflow.ops.stages import StageKey, record_anomaly

        workflow, task, settings = self._of
        waiting = waiting_of(workflow.spec.wait_for, task.id)
        message = f"{getattr(waiting, wait_kind(waiting))} was not there within {format_duration(waiting.timeout)}"
        key = StageKey(
            workflow=workflow.name,
            run_id=context["dag_run"].run_id,
            stage="STARTED",
            try_number=context["ti"].try_number,
            task_id=task.id,
        )
        record_anomaly(open_history(settings.ops), key, category="WAITED_IN_VAIN", message=message)
        return AirflowSensorTimeout(f"{task.id}: {message}")


def _trigger(found: Awaited, step: Any) -> BaseTrigger:
    seconds = found.poke_interval.total_seconds()
    if found.kind == "http":
        return AddressTrigger(found.value, seconds, step.settings.allowed_hosts)
    bucket = found.bucket
    if bucket is None:
        from airflow.providers.standard.triggers.file import FileTrigger

        from dataflow.runtime.steps.waiting import pattern_of

        return FileTrigger(filepath=pattern_of(found, step), recursive=True, poke_interval=seconds)
    return ObjectTrigger(str(bucket), seconds)


def _first_value(found: Awaited) -> bool:
    from airflow.sdk import BaseHook

    connection: Any = BaseHook.get_connection(str(found.connection))
    hook = connection.get_hook()
    rows = hook.get_records(found.value)
    return bool(rows and rows[0][0])
