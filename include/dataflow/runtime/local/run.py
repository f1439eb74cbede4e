"""A whole run here, in this process and without Airflow: the same tasks in the same order."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from dataflow.errors import DataflowError, RunSuperseded, TransientError
from dataflow.masking import masked_logs
from dataflow.ops.runs import now
from dataflow.runtime.author_code.typed_settings import typed_settings
from dataflow.runtime.finish import finish_run
from dataflow.runtime.local.resume import Earlier
from dataflow.runtime.local.task import Ask, Here, outcome_here
from dataflow.runtime.params import params_of
from dataflow.runtime.recording import as_step_error
from dataflow.runtime.references import resolve_from_environment
from dataflow.runtime.request import Judged, RunRequest
from dataflow.runtime.result import RunResult

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = ["Ask", "Progress", "StepEvent", "run_workflow"]


@dataclass(frozen=True, slots=True)
class StepEvent:
    """What just happened to one step."""

    task_id: str
    state: Literal["started", "running", "succeeded", "failed", "skipped"]
    rows: int | None = None
    bytes: int | None = None
    """Of the Parquet that it wrote."""
    seconds: float = 0.0
    message: str = ""
    """Why it failed or was skipped; while it is running, how far it is."""


Progress = Callable[[StepEvent], None]


def run_workflow(
    workflow: Workflow,
    *,
    settings: Settings,
    params: Mapping[str, Any] | None = None,
    window: Interval | None = None,
    progress: Progress | None = None,
    ask: Ask | None = None,
    log: logging.Logger | None = None,
    must_be_there: bool = False,
    earlier: Earlier | None = None,
    judged: Judged | None = None,
) -> RunResult:
    """Run every step of the workflow, one after the other, and tell how it ended.

    Without a window a tick schedule takes its last complete one, any other what is new since its last run. Approvals
    are put to ``ask``, and refused where there is none. Nothing is waited for: what ``wait_for`` names is looked at
    once, and the run goes on or, where it ``must_be_there``, fails. Other workflows are not triggered; ``notify`` and
    ``deadline`` are Airflow's. What is in ``earlier`` is not run again; ``judged`` is called with each check's table
    and outcome.

    Raises:
        ConfigError: when ``settings.py`` does not take the workflow's settings.
        InputError: when a param is unknown or not of its type.
    """
    log = log or logging.getLogger(f"dataflow.run.{workflow.name}")
    typed_settings(workflow, environment=settings.environment, log=log)  # before the run is one
    earlier = earlier or Earlier()
    run = _LocalRun(
        Here(workflow, settings, ask or (lambda _: None), must_be_there, earlier.instead),
        params=params_of(workflow.spec, params or {}),
        window=window,
        earlier=earlier,
        tell=progress or (lambda _: None),
        judged=judged or (lambda _, __: None),
        log=log,
    )
    with masked_logs():
        return run.walk()


@dataclass
class _LocalRun:
    """One run as it goes: what it was given, and what came of its tasks so far."""

    here: Here
    _: KW_ONLY
    params: Mapping[str, Any]
    window: Interval | None
    earlier: Earlier
    tell: Progress
    judged: Judged
    log: logging.Logger
    began: datetime = field(default_factory=now)
    run_id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    """Tasks that an earlier one decided against."""

    def __post_init__(self) -> None:
        self.outputs.update(self.earlier.outputs)
        self.run_id = self.earlier.run_id or f"local__{self.began.isoformat(timespec='seconds')}_{uuid.uuid4().hex[:8]}"

    def walk(self) -> RunResult:
        """Run the tasks of the plan, which come in an order that respects what each is after."""
        clock = time.monotonic()
        completed: list[str] = []
        superseded: str | None = None
        for task in self.here.workflow.plan.tasks:
            if task.kind == "join" or not self.earlier.needs(task.id):
                continue
            if task.id in self.skipped:
                self.tell(StepEvent(task.id, "skipped"))
                continue
            try:
                self._run(task)
            except RunSuperseded as exc:
                superseded = str(exc)
                break
            except DataflowError as exc:
                self._finish_failed(f"{task.id}: {exc}")
                return self._result("failed", completed, task=task.id, error=str(exc), clock=clock)
            except BaseException as exc:
                self._finish_failed(f"{task.id}: stopped by hand")
                exc.add_note(f"run {self.run_id} ended at {task.id}")
                raise
            completed.append(task.id)
        try:
            self._finish("COMPLETED", "")  # which leaves a superseded run superseded
        except TransientError as exc:
            return self._result("failed", completed, task=None, error=f"all steps succeeded, but {exc}", clock=clock)
        status: Literal["success", "superseded"] = "superseded" if superseded else "success"
        return self._result(status, completed, task=None, error=superseded, clock=clock)

    def _run(self, task: Task) -> None:
        clock = time.monotonic()
        self.tell(StepEvent(task.id, "started"))
        try:
            outcome = outcome_here(self.here, task, self._request(task))
        except RunSuperseded as exc:
            self.tell(StepEvent(task.id, "skipped", seconds=time.monotonic() - clock, message=str(exc)))
            raise
        except Exception as exc:
            error = exc if isinstance(exc, DataflowError) else as_step_error(exc)
            self.tell(StepEvent(task.id, "failed", seconds=time.monotonic() - clock, message=str(error)))
            if error is exc:
                raise
            raise error from exc
        self.outputs[task.id] = outcome.output
        self.skipped.update(outcome.skips)
        if outcome.skipped and task.id in self.earlier.instead:
            self.skipped.update(each.id for each in self.here.workflow.plan.tasks)
        self.tell(
            StepEvent(
                task.id,
                "skipped" if outcome.skipped else "succeeded",
                rows=outcome.rows,
                bytes=outcome.bytes,
                seconds=time.monotonic() - clock,
                message=outcome.skipped or outcome.message,
            )
        )

    def _request(self, task: Task) -> RunRequest:
        return RunRequest(
            workflow=self.here.workflow.name,
            run_id=self.run_id,
            kind="manual",
            run_after=self.began,
            interval=None,
            partition_key=None,
            partition=None,
            params=self.params,
            task_id=task.id,
            try_number=self.earlier.try_number,
            output=self.outputs.get,
            state_of=lambda _: "running",  # of Airflow's runs only Airflow knows
            log=self.log,
            window=self.window,
            engine="local",
            judged=self.judged,
            watch=lambda text: self.tell(StepEvent(task.id, "running", message=text)),
            resolve=resolve_from_environment,
        )

    def _finish_failed(self, reason: str) -> None:
        try:
            self._finish("FAILED", reason)
        except TransientError as exc:  # which must not hide what really went wrong
            self.log.warning("run history could not be told how this run ended: %s", exc)

    def _finish(self, status: Literal["COMPLETED", "FAILED"], reason: str) -> None:
        finish_run(
            self.here.workflow.name,
            self.run_id,
            status=status,
            reason=reason,
            try_number=self.earlier.try_number,
            settings=self.here.settings,
        )

    def _result(
        self,
        status: Literal["success", "failed", "superseded"],
        completed: list[str],
        *,
        task: str | None,
        error: str | None,
        clock: float,
    ) -> RunResult:
        return RunResult(
            status=status,
            run_id=self.run_id,
            completed_steps=tuple(completed),
            failed_step=task,
            error=error,
            duration_seconds=time.monotonic() - clock,
        )
