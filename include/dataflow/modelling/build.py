"""One ``dbt build`` of one workflow, in this process."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dataflow.duckdb_memory import MAKE_ROOM, disk_is_full
from dataflow.errors import DataflowError, OutOfRoom, StepError, TransientError
from dataflow.lost_lake import words_of_loss
from dataflow.modelling.environment import dbt_environment, dbt_flags, run_environment, window_environment
from dataflow.modelling.manifest import manifest_path, partial_parse_path

if TYPE_CHECKING:
    import logging

    from dbt.cli.main import dbtRunnerResult

    from dataflow.interval import Interval
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["DbtNode", "DbtOutcome", "build_models", "error_of"]

MAX_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class DbtNode:
    """What became of one model, seed, snapshot or test."""

    name: str
    kind: str
    """``model``, ``test``, ``seed`` or ``snapshot``."""
    status: Literal["passed", "warned", "failed", "skipped"]
    message: str
    """dbt's, as far as it has one."""
    failures: int
    """Of a test: the rows that failed it."""
    seconds: float


@dataclass(frozen=True, slots=True)
class DbtOutcome:
    """What became of a dbt invocation."""

    succeeded: bool
    error: str
    """Why it failed, in one bounded line; empty where it succeeded."""
    nodes: tuple[DbtNode, ...]

    @property
    def failure(self) -> StepError:
        """Why it failed, as the engine takes it: of the kind that says whether another try may mend it."""
        if disk_is_full(self.error):
            return OutOfRoom(f"{self.error}; {MAKE_ROOM}")
        return TransientError(self.error) if words_of_loss(self.error) else StepError(self.error)


def build_models(
    settings: Settings,
    workflow: Workflow,
    *,
    window: Interval | None,
    run_id: str,
    full_refresh: bool = False,
    log: logging.Logger | None = None,
) -> DbtOutcome:
    """Build and test every model of a workflow, as the config's ``dbt.tests`` says.

    dbt stamps the run in the warehouse before it builds, so that only this run may publish. When this returns or
    raises, nothing of dbt's holds the warehouse.

    Args:
        settings: Of the installation, or of a sandbox.
        workflow: Whose models.
        window: What ``env_var('DATAFLOW_WINDOW_START')`` and ``..._END`` give the models.
        run_id: Of the run that builds.
        full_refresh: Build incremental models anew.
        log: Told of each node as it is done.

    Raises:
        LockTimeout: when others kept the warehouse for too long.
    """
    environment = dbt_environment(settings, workflow) | run_environment(run_id)
    if window is not None:
        environment |= window_environment(window.start.isoformat(), window.end.isoformat())
    settings.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dbt-", dir=settings.scratch) as target:
        partial_parse = partial_parse_path(manifest_path(settings, workflow))
        if partial_parse.exists():
            shutil.copy(partial_parse, Path(target, "partial_parse.msgpack"))
        arguments = ["--quiet", "--log-level-file", "none", "build", *dbt_flags(settings), "--target-path", target]
        arguments += ["--log-path", target]
        if full_refresh:
            arguments.append("--full-refresh")
        if workflow.spec.dbt.tests == "none":
            arguments += ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
        return _invoke(arguments, environment, log=log)


def _invoke(arguments: list[str], environment: Mapping[str, str], *, log: logging.Logger | None) -> DbtOutcome:
    from dbt.adapters.factory import reset_adapters
    from dbt.cli.main import dbtRunner

    from dataflow.warehouse.dbt.session import release_after_dbt

    with _environment(environment):
        try:
            result = dbtRunner().invoke(arguments)
        finally:
            try:
                reset_adapters()  # type: ignore[no-untyped-call]
            finally:
                release_after_dbt()
    if isinstance(result.exception, DataflowError):  # our plugin's, e.g. LockTimeout
        raise result.exception
    nodes = tuple(_node(each) for each in getattr(result.result, "results", None) or ())
    if log is not None:
        for node in nodes:
            log.info("dbt %s %s: %s in %.1f s %s", node.kind, node.name, node.status, node.seconds, node.message)
    return DbtOutcome(result.success, error_of(result), nodes)


def error_of(result: dbtRunnerResult) -> str:
    """Say in one bounded line why an invocation failed; empty where it succeeded."""
    if result.success:
        return ""
    if result.exception is not None:
        return _one_line(str(result.exception))
    failed = [node for node in map(_node, getattr(result.result, "results", ())) if node.status == "failed"]
    told = "; ".join(f"{node.kind} {node.name}: {node.message}" for node in failed)
    return _one_line(f"{len(failed)} failed in dbt: {told}")


_STATUS: Mapping[str, Literal["passed", "warned", "failed", "skipped"]] = {
    "success": "passed",
    "pass": "passed",
    "warn": "warned",
    "skipped": "skipped",
    "no-op": "skipped",
}


def _node(result: Any) -> DbtNode:
    return DbtNode(
        name=result.node.name,
        kind=str(result.node.resource_type),
        status=_STATUS.get(str(result.status), "failed"),
        message=_one_line(str(result.message or "")),
        failures=result.failures or 0,
        seconds=result.execution_time,
    )


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_MESSAGE else line[:MAX_MESSAGE] + " ..."


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
