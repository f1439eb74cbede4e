"""How a task writes into run history what it did."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeVar

from dataflow.errors import ConfigError, DataflowError, FatalError, RunSuperseded, StepError, TrySuperseded
from dataflow.ops.history import History
from dataflow.ops.stages import StageKey, begin_stage, end_stage, record_anomaly
from dataflow.ops.tries import require_newest
from dataflow.runtime.outcome import TaskOutcome
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.request import RunRequest

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow

__all__ = ["TaskStage", "as_step_error", "record", "stage_key"]

TaskStage = Literal["INGESTED", "VALIDATED", "TRANSFORMED", "MODELLED", "PUBLISHED", "STEP"]
"""``STEP`` is a step of the author's, or an approval."""

Result = TypeVar("Result", StepReceipt, TaskOutcome)


def stage_key(
    workflow: Workflow, request: RunRequest, *, stage: Literal["STARTED"] | TaskStage, table: str | None = None
) -> StageKey:
    """Give the key under which run history keeps one try of one stage of this run."""
    of_the_run = stage == "STARTED"
    return StageKey(
        workflow=workflow.name,
        run_id=request.run_id,
        stage=stage,
        try_number=1 if of_the_run else request.try_number,
        attempt=None if of_the_run else request.attempt,
        task_id="" if of_the_run else request.task_id,
        table_name=table,
        domain=workflow.spec.domain,
        partition_key=request.partition_key,
        config_hash=workflow.config_hash,
    )


def record(history: History, key: StageKey, *, work: Callable[[], Result], log: logging.Logger) -> Result:
    """Do the work between the begin and the end of its stage, and write down what went wrong.

    Raises:
        RunSuperseded: as the work did.
        TrySuperseded: when a later try of the task began; of one that had not begun nothing is written.
        StepError: for whatever else went wrong, of the kind that says whether another try may help.
    """
    number = begin_stage(history, key)
    try:
        result = work()
    except RunSuperseded as exc:
        end_stage(history, number, outcome="skipped", message=str(exc))
        raise
    except Exception as exc:
        error = _superseded(history, key) or as_step_error(exc)
        _write_failure(history, key, number, error=error, log=log)
        if error is exc:
            raise
        raise error from exc
    except BaseException as exc:
        # The engine ends the task: its time is up, or somebody stopped it. There may be little time to write.
        _write_failure(history, key, number, error=StepError(f"ended from outside: {_described(exc)}"), log=log)
        raise
    _write_success(history, key, number, result)
    return result


def _write_success(history: History, key: StageKey, number: int, result: StepReceipt | TaskOutcome) -> None:
    if isinstance(result, TaskOutcome):
        end_stage(history, number, outcome="succeeded", message=result.message)
        if result.category:
            # Nothing is wrong, so nobody is told; but why a run ended early is looked for where failures are.
            record_anomaly(history, key, category=result.category, message=result.message, severity="info")
        return
    end_stage(
        history,
        number,
        outcome="skipped" if result.skipped else "succeeded",
        message=result.skipped or "",
        rows_in=result.rows_in,
        rows_out=result.rows,
        size=result.bytes,
        uri=result.uri,
    )


def _superseded(history: History, key: StageKey) -> TrySuperseded | None:
    """Tell whether a later try began: it takes this one's scratch folder away, and what comes of that says nothing."""
    try:
        require_newest(history, key)
    except TrySuperseded as exc:
        return exc
    except StepError:
        return None
    return None


def as_step_error(exc: Exception) -> StepError:
    """Give the error as the engine takes it: ours as they are, anything else one that ``retries`` apply to."""
    if isinstance(exc, StepError):
        return exc
    if isinstance(exc, ConfigError):
        return FatalError(str(exc))
    return StepError(str(exc) if isinstance(exc, DataflowError) else _described(exc))


def _described(exc: BaseException) -> str:
    text = str(exc)
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


def _write_failure(history: History, key: StageKey, number: int, *, error: StepError, log: logging.Logger) -> None:
    # A history that cannot be written must not hide what really went wrong.
    with suppress(Exception):
        end_stage(history, number, outcome="failed", message=str(error))
        record_anomaly(
            history,
            key,
            category=error.category,
            message=str(error),
            metadata={"error": type(error).__name__, "stage": key.stage, "table": key.table_name},
        )
        return
    log.warning("run history could not be told how this step ended")
