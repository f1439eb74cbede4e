"""One step as its code sees it: the workflow, the request, the window, and where to work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.errors import FatalError
from dataflow.interval import Interval
from dataflow.landing.keys import run_key
from dataflow.landing.manifest import Manifest, local_files, read_manifest
from dataflow.loading.workflow import Workflow
from dataflow.masking import keep_secret
from dataflow.ops.history import History
from dataflow.ops.tries import require_newest
from dataflow.quarantine.replays import standing_batch
from dataflow.runtime.author_code.context import Outside, StepContext
from dataflow.runtime.author_code.typed_settings import settings_values, typed_settings
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.render import Values
from dataflow.runtime.request import RunRequest
from dataflow.runtime.window import RunWindow
from dataflow.settings import Settings

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Step"]


@dataclass(frozen=True)
class Step:
    """What every step works with."""

    workflow: Workflow
    request: RunRequest
    settings: Settings
    history: History
    run: RunWindow

    @property
    def window(self) -> Interval:
        """The run's window."""
        return self.run.window

    @cached_property
    def validated(self) -> frozenset[str]:
        """The sources whose batch a task of its own judges."""
        return frozenset(task.table for task in self.workflow.plan.tasks if task.kind == "validate" and task.table)

    def keep_secret(self, value: str) -> None:
        """Hide a value from everything that is written from now on, by us and by the engine."""
        keep_secret(value)
        self.request.mask(value)

    @cached_property
    def author_settings(self) -> Mapping[str, Any] | BaseModel:
        """What author code gets as ``ctx.settings``.

        Raises:
            ConfigError: when ``settings.py`` does not take them.
        """
        return typed_settings(self.workflow, environment=self.settings.environment, log=self.request.log)

    def context(self, source: str | None, *, outside: Outside | None = None) -> StepContext:
        """Give what a function of the author's gets; ``source`` is the one whose range it sees."""
        return StepContext(
            workflow=self.workflow.name,
            step=self.request.task_id,
            run_id=self.request.run_id,
            params=self.request.params,
            settings=self.author_settings,
            window=self.window,
            cursor=self.run.ranges.get(source) if source else None,
            partition_key=self.request.partition_key,
            log=self.request.log,
            outputs=self.request.output,
            outside=outside or Outside("only `ingestion.py` and a `run` step reach beyond their run"),
        )

    def template_values(self, source: str | None = None) -> Values:
        """Give what templates and references may name here; ``source`` is the one whose range they see.

        Raises:
            ConfigError: when ``settings.py`` does not take the workflow's settings.
        """
        return Values(
            window=self.window,
            cursor=self.run.ranges.get(source) if source else None,
            run_id=self.request.run_id,
            params=self.request.params,
            settings=settings_values(self.author_settings),
            partition_key=self.request.partition_key,
            resolve=self.request.resolve,
            mask=self.keep_secret,
        )

    def ingested(self, source: str) -> Manifest:
        """Give the batch that this run's ingest task landed.

        Raises:
            FatalError: when that task returned nothing.
        """
        return self._manifest(f"ingest.{source}")

    def batch(self, source: str) -> Manifest:
        """Give the batch as the steps after validation see it."""
        batch = self._manifest(f"validate.{source}") if source in self.validated else self.ingested(source)
        with self.history.read() as connection:
            standing = standing_batch(connection, batch.uri)  # rows may have come back from quarantine
        return batch if standing == batch.uri else read_manifest(standing)

    def files(self, batch: Manifest, folder: Path) -> list[str]:
        """Give the batch's files on this machine, as they were landed; copies lie in the task's scratch folder.

        Raises:
            LandingError: when they are not what they were.
        """
        return local_files(batch, folder / "landed" / batch.table)

    def require_newest(self) -> None:
        """See that no later try of this task began: what this one made must not take the place of that one's.

        Raises:
            TrySuperseded: when one did.
        """
        require_newest(self.history, self.request)

    def receipt(self, **values: Any) -> StepReceipt:
        """Give a receipt with the run's window in it."""
        return StepReceipt(**values, window=self.window.to_json())

    def receipt_of(self, batch: Manifest, **values: Any) -> StepReceipt:
        """Give the receipt that hands on a batch: its rows, bytes, uri and schema, as far as nothing else is said."""
        of_batch = {"rows": batch.rows, "bytes": batch.bytes, "uri": batch.uri, "schema_hash": batch.schema_hash}
        return self.receipt(**of_batch | values)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give an empty folder of this try, gone afterwards; what a killed try left behind goes first."""
        of_run = self.settings.scratch / self.workflow.name / run_key(self.request.run_id)
        for left in of_run.glob(f"{self.request.task_id}-*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = of_run / f"{self.request.task_id}-{self.request.try_number}"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # another task of the run works there
                of_run.rmdir()

    def _manifest(self, task_id: str) -> Manifest:
        output = self.request.output(task_id)
        if not output or not output.get("uri"):
            raise FatalError(f"{task_id} left no batch in this run; clear it, so that it runs again")
        return read_manifest(output["uri"])
