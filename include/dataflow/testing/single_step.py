"""One step of a workflow as a task runs it, with what is before it, and on rows that a test gives."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.errors import InputError
from dataflow.near_miss import did_you_mean
from dataflow.ops.history import open_history
from dataflow.ops.runs import now
from dataflow.runtime.author_code.context import FIRST_DAY
from dataflow.runtime.params import params_of
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.request import RunRequest
from dataflow.runtime.run import run_task
from dataflow.runtime.window import window_of_run
from dataflow.sources.ingest import IngestRequest, ingest
from dataflow.spec.sources import PythonSource
from dataflow.testing.window import window_for
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.schemas import staging_schema

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.landing.manifest import Manifest
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = ["StepRunner", "land_rows"]

OF_AUTHORS = ("run", "gate", "choice")
"""Kinds whose work is a function of ``steps.py``."""
OF_ENGINES = ("wait", "dbt", "join", "approve", "trigger")
"""Kinds that an engine runs, not a step by itself."""
LOG = logging.getLogger("dataflow.testing")


@dataclass(frozen=True)
class StepRunner:
    """Runs steps of one workflow; what they load stays for the next call within one test."""

    workflow: Workflow
    settings: Settings

    def __call__(
        self,
        step: str,
        *,
        rows: Mapping[str, Any] | None = None,
        window: Interval | str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a step after everything that it is after, and give its receipt, or what a function of ``steps.py`` gave.

        Nothing is waited for, approved or triggered on the way; branches run whether they are taken or not.

        Args:
            step: The task's id, e.g. ``transform.orders``; a table's, a function's or ``publish``.
            rows: For each source that is not to be read: its rows, as a list of dicts, a DataFrame or an Arrow table.
            window: The run's; by default the first day of 2025, which is the default of a context too.
            params: As for a run.

        Raises:
            InputError: when there is no such step or source.
            StepError: as the step did.
        """
        spec, given = self.workflow.spec, rows or {}
        if unknown := sorted(given.keys() - spec.sources.keys()):
            raise InputError(f"rows of {', '.join(unknown)}: {spec.name} has the sources {', '.join(spec.sources)}")
        create_warehouse(self.settings, [spec.name])
        run_id, outputs = f"test__{uuid.uuid4().hex}", dict[str, dict[str, Any]]()
        tasks = {task.id: task for task in self._up_to(step)}
        for task in tasks.values():
            request = _request(
                task,
                workflow=self.workflow,
                run_id=run_id,
                window=window_for(spec, window) or FIRST_DAY,
                params=params_of(spec, params or {}),
                outputs=outputs,
            )
            source = task.table if task.kind == "ingest" else None
            if source is not None and source in given:
                receipt = _land(self.workflow, self.settings, request, source=source, rows=given[source])
                outputs[task.id] = receipt.to_json()
            else:
                outputs[task.id] = run_task(self.workflow, task, request, settings=self.settings).output
        return outputs[step] if tasks[step].kind in OF_AUTHORS else StepReceipt.from_json(outputs[step])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Query the loaded tables of the workflow by their bare names."""
        with open_warehouse(self.settings, purpose="a test's query", log=LOG) as connection:
            connection.execute(f"SET schema = '{staging_schema(self.workflow.name)}'")
            return connection.execute(sql).fetchall()

    def _up_to(self, step: str) -> list[Task]:
        """Give the step and what it is after, in the plan's order."""
        tasks = {task.id: task for task in self.workflow.plan.tasks}
        if step not in tasks or tasks[step].kind in OF_ENGINES:
            alone = [each for each, task in tasks.items() if task.kind not in OF_ENGINES]
            hint = did_you_mean(step, alone) or f"there is: {', '.join(alone)}"
            hint = "models are built by a whole run: house.run(...)" if step == "dbt" else hint
            raise InputError(f"no step {step!r} to run alone; {hint}")
        needed = {step}
        for task in reversed(self.workflow.plan.tasks):
            if task.id in needed:
                needed.update(task.after)
        if step == "publish" and "dbt" in needed:
            raise InputError("publish comes after the models, which a whole run builds: house.run(...)")
        return [task for task in self.workflow.plan.tasks if task.id in needed and task.kind not in OF_ENGINES]


def _request(
    task: Task,
    *,
    workflow: Workflow,
    run_id: str,
    window: Interval,
    params: Mapping[str, Any],
    outputs: Mapping[str, Any],
) -> RunRequest:
    return RunRequest(
        workflow=workflow.name,
        run_id=run_id,
        kind="manual",
        run_after=now(),
        interval=None,
        partition_key=None,
        partition=None,
        params=params,
        task_id=task.id,
        try_number=1,
        output=outputs.get,
        state_of=lambda _: "running",
        log=LOG,
        window=window,
        engine="local",
    )


def _land(workflow: Workflow, settings: Settings, request: RunRequest, *, source: str, rows: Any) -> StepReceipt:
    run = window_of_run(open_history(settings.ops), workflow, request=request)
    manifest = land_rows(
        workflow,
        settings,
        source=source,
        rows=rows,
        run_id=request.run_id,
        window=run.window,
        cursor=run.ranges.get(source),
    )
    return StepReceipt(table=source, rows=manifest.rows, uri=manifest.uri, window=run.window.to_json())


def land_rows(
    workflow: Workflow,
    settings: Settings,
    *,
    source: str,
    rows: Any,
    run_id: str,
    window: Interval,
    cursor: Interval | None,
) -> Manifest:
    """Land rows as the batch that reading the source would give: same columns, types and cursor."""
    said = workflow.spec.sources[source]
    return ingest(
        IngestRequest(
            workflow=workflow.name,
            table=source,
            source=PythonSource(
                type="python",
                columns=said.columns,
                incremental=said.incremental,
                schema_contract=said.schema_contract,
            ),
            folder=workflow.folder,
            window=window,
            cursor=cursor,
            run_id=run_id,
            try_number=1,
            settings=settings,
            rows=lambda: [rows],
            log=LOG,
        )
    )
