"""One run of a workflow as Airflow leads it: each start of a task has an attempt that is greater than all before."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from dataflow.runtime.finish import finish_run
from dataflow.runtime.run import run_task
from kit.runs import Engine, day, days

if TYPE_CHECKING:
    from dataflow.runtime.request import RunRequest
    from kit.project import Project

__all__ = ["AirflowRun"]

_STARTS = itertools.count(1)


class AirflowRun:
    """A run with this id; one more of the same id is the run that was deleted and triggered again."""

    def __init__(self, project: Project, run_id: str = "manual__1", *, due: int = 5, name: str = "shop") -> None:
        self.run_id = run_id
        self.settings = project.settings()
        self.workflow = project.workflow(name)
        self.outputs: dict[str, Any] = {}
        self._engine = Engine(self.workflow)
        self._due = due
        self._began = str(next(_STARTS))

    def start(self, task_id: str, try_number: int = 1) -> RunRequest:
        """Start a task, which does nothing yet."""
        return self._engine.request(
            self.run_id,
            kind="manual",
            run_after=day(self._due),
            interval=days(self._due - 1, self._due),
            task_id=task_id,
            try_number=try_number,
            attempt=f"{next(_STARTS):036}",
            output=self.outputs.get,
        )

    def work(self, request: RunRequest) -> None:
        """Let a task that was started do its work to its end."""
        task = next(task for task in self.workflow.plan.tasks if task.id == request.task_id)
        self.outputs[task.id] = run_task(self.workflow, task, request, settings=self.settings).output

    def do(self, task_id: str, try_number: int = 1) -> None:
        """Start a task and let it work."""
        self.work(self.start(task_id, try_number))

    def do_all(self, *, without: str = "") -> None:
        """Lead every task to its end, and the run; but for those of a kind that is left out."""
        for task in self.workflow.plan.tasks:
            if task.kind != without:
                self.do(task.id)
        self.end()

    def end(self, status: Any = "COMPLETED") -> bool:
        """End the run, and tell whether that was news."""
        return finish_run(
            self.workflow.name,
            self.run_id,
            status=status,
            reason="",
            try_number=0,
            attempt=self._began,
            settings=self.settings,
        )
