"""A whole run here, in this process and without Airflow: the same tasks in the same order."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from dataflow.errors import DataflowError, FatalError, InputError, RunSuperseded, StepError
from dataflow.masking import masked_logs
from dataflow.ops.history import open_history
from dataflow.ops.runs import now
from dataflow.runtime.approval import settle_approval, subject_of
from dataflow.runtime.finish import finish_run
from dataflow.runtime.outcome import TaskOutcome
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.recording import as_step_error, record, stage_key
from dataflow.runtime.references import resolve_from_environment
from dataflow.runtime.request import Judged, RunRequest
from dataflow.runtime.result import RunResult
from dataflow.runtime.resume import Earlier
from dataflow.runtime.run import run_task
from dataflow.runtime.typed_settings import typed_settings
from dataflow.runtime.waiting import awaited, is_there
from dataflow.runtime.window import window_of_run
from dataflow.spec.params import param_schema

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["Ask", "Progress", "StepEvent", "run_workflow"]


@dataclass(frozen=True, slots=True)
class StepEvent:
    """What just happened to one step."""

    task_id: str
    state: Literal["started", "succeeded", "failed", "skipped"]
    rows: int | None = None
    seconds: float = 0.0
    message: str = ""
    """Why it failed or was skipped."""


Progress = Callable[[StepEvent], None]
Ask = Callable[[str], bool | None]
"""Puts an approval's subject to somebody; None where nobody is there to answer."""


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
    run = _LocalRun(
        workflow,
        settings,
        params_of(workflow.spec, params or {}),
        window,
        progress or (lambda _: None),
        ask or (lambda _: None),
        log,
        must_be_there,
        earlier or Earlier(),
        judged,
    )
    with masked_logs():
        return run.walk()


def params_of(spec: WorkflowSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give every param of the workflow: the given value, else its default.

    Raises:
        InputError: when one is unknown, or its value does not fit; the text names it.
    """
    import jsonschema  # type: ignore[import-untyped]

    unknown = sorted(given.keys() - spec.params.keys())
    if unknown:
        known = ", ".join(spec.params) or "none"
        raise InputError(f"no param {', '.join(unknown)}; {spec.name} has {known}")
    values = {name: given.get(name, param.default) for name, param in spec.params.items()}
    for name, value in values.items():
        try:
            jsonschema.validate(value, param_schema(spec.params[name]), format_checker=jsonschema.FormatChecker())
        except jsonschema.ValidationError as exc:
            raise InputError(f"params.{name}: {exc.message}") from None
    return values


@dataclass
class _LocalRun:
    workflow: Workflow
    settings: Settings
    params: Mapping[str, Any]
    window: Interval | None
    tell: Progress
    ask: Ask
    log: logging.Logger
    must_be_there: bool
    earlier: Earlier
    judged: Judged | None
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
        for task in self.workflow.plan.tasks:
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
                self._finish("FAILED", f"{task.id}: {exc}")
                return self._result("failed", completed, task=task.id, error=str(exc), clock=clock)
            except BaseException:
                self._finish("FAILED", f"{task.id}: stopped by hand")
                raise
            completed.append(task.id)
        self._finish("COMPLETED", "")  # which leaves a superseded run superseded
        status: Literal["success", "superseded"] = "superseded" if superseded else "success"
        return self._result(status, completed, task=None, error=superseded, clock=clock)

    def _run(self, task: Task) -> None:
        clock = time.monotonic()
        self.tell(StepEvent(task.id, "started"))
        try:
            outcome = self._outcome(task)
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
            self.skipped.update(each.id for each in self.workflow.plan.tasks)
        self.tell(
            StepEvent(
                task.id,
                "skipped" if outcome.skipped else "succeeded",
                rows=outcome.rows,
                seconds=time.monotonic() - clock,
                message=outcome.skipped or outcome.message,
            )
        )

    def _outcome(self, task: Task) -> TaskOutcome:
        request = self._request(task)
        if task.kind == "dbt":
            return self._build_models(request)
        if task.kind == "wait":
            return self._look(task, request)
        if task.kind == "approve":
            return self._approve(task, request)
        if task.step is not None and task.step.trigger is not None:
            return TaskOutcome(output={}, skipped=f"{task.step.trigger.workflow} is started under Airflow only")
        instead = self.earlier.instead.get(task.id)
        return run_task(self.workflow, task, request, settings=self.settings, instead=instead)

    def _look(self, task: Task, request: RunRequest) -> TaskOutcome:
        """Look once at what Airflow would wait for."""
        found, step = awaited(self.workflow, task, request, settings=self.settings)
        try:
            there = is_there(found, step)
        except StepError as error:
            if self.must_be_there or found.bucket is None:
                raise
            return TaskOutcome(output={}, skipped=f"not waited for here, and nobody could look: {error}")
        if there is None:
            return TaskOutcome(output={}, skipped=f"only Airflow can look, which has the connection: {found.written}")
        if there:
            return TaskOutcome(output={})
        if self.must_be_there:
            raise FatalError(f"{found.written} is not there yet")
        return TaskOutcome(output={}, skipped=f"not there yet, and not waited for here: {found.written}")

    def _approve(self, task: Task, request: RunRequest) -> TaskOutcome:
        subject = subject_of(self.workflow, task, request, settings=self.settings)
        answer = self.ask(subject)
        refused = "" if answer else (f"nobody was there to answer: {subject}" if answer is None else f"no: {subject}")
        return settle_approval(self.workflow, task, request, refused=refused, settings=self.settings)

    def _build_models(self, request: RunRequest) -> TaskOutcome:
        from dataflow.modelling.build import build_models
        from dataflow.modelling.compile import compile_models

        history = open_history(self.settings.ops)
        run = window_of_run(history, self.workflow, request=request)

        def build() -> StepReceipt:
            # As in Airflow, where a group is there only once its models are compiled; at once where they are.
            if problems := compile_models(self.settings, [self.workflow]):
                raise FatalError("\n".join(str(problem) for problem in problems))
            outcome = build_models(
                self.settings,
                self.workflow,
                window=run.window,
                run_id=self.run_id,
                full_refresh=full_refresh_of(self.workflow.spec, self.params),
                log=self.log,
            )
            if not outcome.succeeded:
                raise StepError(outcome.error)
            return StepReceipt(table=None, rows=sum(node.kind == "model" for node in outcome.nodes))

        key = stage_key(self.workflow, request, stage="MODELLED")
        receipt = record(history, key, work=build, log=self.log)
        return TaskOutcome.of_receipt(replace(receipt, window=run.window.to_json()))

    def _request(self, task: Task) -> RunRequest:
        return RunRequest(
            workflow=self.workflow.name,
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
            judged=self.judged or (lambda _, __: None),
            resolve=resolve_from_environment,
        )

    def _finish(self, status: Literal["COMPLETED", "FAILED"], reason: str) -> None:
        finish_run(
            self.workflow.name,
            self.run_id,
            status=status,
            reason=reason,
            try_number=self.earlier.try_number,
            settings=self.settings,
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


def full_refresh_of(spec: WorkflowSpec, params: Mapping[str, Any]) -> bool:
    """Tell whether dbt builds incremental models anew: as the config says, else as the param of that name says."""
    said = spec.dbt.full_refresh
    if said is None:
        return bool(params.get("full_refresh", False))
    return bool(params.get(said.removeprefix("params."), False)) if isinstance(said, str) else said
