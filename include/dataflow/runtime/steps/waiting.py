"""What a run waits for, looked at once: its templates rendered, and whether it is there."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import FatalError
from dataflow.http.probe import answers
from dataflow.ops.history import open_history
from dataflow.runtime.author_code.modules import author_code, author_function
from dataflow.runtime.render import render
from dataflow.runtime.step import Step
from dataflow.runtime.window import window_of_run
from dataflow.s3.matching import there_is
from dataflow.s3.place import S3Place
from dataflow.spec.waiting import bucket_of, wait_kind, waiting_of

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.runtime.request import RunRequest
    from dataflow.settings import Settings
    from dataflow.spec.plan import Task

__all__ = ["Awaited", "awaited", "is_there", "pattern_of"]


@dataclass(frozen=True)
class Awaited:
    """One thing that this run waits for."""

    key: str
    """Where the config says so: ``wait_for.0``."""
    kind: str
    written: str
    """As the config has it: references stay references."""
    value: str
    """With templates and references replaced."""
    connection: str | None
    timeout: timedelta
    poke_interval: timedelta

    @property
    def bucket(self) -> S3Place | None:
        """Where in S3 the file is to be; None for another file."""
        return bucket_of(self.value) if self.kind == "file" else None


def awaited(workflow: Workflow, task: Task, request: RunRequest, *, settings: Settings) -> tuple[Awaited, Step]:
    """Give what the task waits for, rendered for this run's window.

    Raises:
        RunSuperseded: when another run did this one's work.
        FatalError: when a template does not render or a reference is not set.
    """
    waiting = waiting_of(workflow.spec.wait_for, task.id)
    history = open_history(settings.ops)
    step = Step(workflow, request, settings, history, window_of_run(history, workflow, request=request))
    kind = wait_kind(waiting)
    written = str(getattr(waiting, kind))
    value = written if kind == "python" else render(written, values=step.template_values(), key=f"{task.id}.{kind}")
    found = Awaited(task.id, kind, written, value, waiting.connection, waiting.timeout, waiting.poke_interval)
    return found, step


def is_there(found: Awaited, step: Step) -> bool | None:
    """Look once; None for what only Airflow can look at, which has its connections.

    Raises:
        StepError: when the author's function fails, or the bucket cannot be reached.
    """
    if found.kind == "python":
        return _is_ready(found, step)
    if found.kind == "http":
        return answers(found.value, step.settings.host_policy)
    if found.kind == "sql":
        return None
    if found.bucket is not None:
        return there_is(found.bucket)
    return any(_is_file(Path(name)) for name in glob.glob(pattern_of(found, step), recursive=True))  # noqa: PTH207


def pattern_of(found: Awaited, step: Step) -> str:
    """Give the absolute pattern of a file on the machines.

    Raises:
        FatalError: when it is an address of another kind.
    """
    if "://" in found.value:
        raise FatalError(f"{found.key}.file: only paths and s3://connection@bucket/key can be waited for")
    # The folder's own name may hold what a glob reads.
    return found.value if Path(found.value).is_absolute() else f"{glob.escape(str(step.workflow.folder))}/{found.value}"


def _is_file(path: Path) -> bool:
    """Tell whether it is a file, or a folder that holds one."""
    return path.is_file() or (path.is_dir() and any(each.is_file() for each in path.rglob("*")))


def _is_ready(found: Awaited, step: Step) -> bool:
    reference = found.value if ":" in found.value else f"steps:{found.value}"
    function = author_function(step.workflow, reference)
    with author_code(step.workflow, what=reference, log=step.request.log):
        return bool(function(step.context(None)))
