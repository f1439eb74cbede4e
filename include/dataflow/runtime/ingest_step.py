"""Ingest: one source's rows of this run, landed as a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from dataflow.ops.quarantine import QuarantineKey, supersede_quarantined
from dataflow.quarantine.store import quarantine_rows
from dataflow.runtime.modules import author_code, author_function
from dataflow.runtime.outside import RunOutside
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.recording import stage_key
from dataflow.runtime.render import render_source
from dataflow.runtime.schema_changes import record_changes
from dataflow.runtime.setting_aside import quarantine_key
from dataflow.runtime.step import Step
from dataflow.runtime.sweeping import sweep_once_a_day
from dataflow.sources.dlt_rows import dlt_rows, silence_dlt
from dataflow.sources.ingest import IngestRequest, ingest
from dataflow.spec.sources import PythonSource

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["ingest_source"]


def ingest_source(step: Step, name: str) -> StepReceipt:
    """Read the source and land what it gave; the receipt names the batch's manifest."""
    source = step.workflow.spec.sources[name]
    request = step.request
    values = step.template_values(name)
    manifest = ingest(
        IngestRequest(
            workflow=step.workflow.name,
            table=name,
            source=render_source(name, source, values=values),
            folder=step.workflow.folder,
            window=step.window,
            cursor=values.cursor,
            run_id=request.run_id,
            try_number=request.try_number,
            settings=step.settings,
            rows=_author_rows(step, name, source=source) if isinstance(source, PythonSource) else None,
            log=request.log,
            set_aside=_set_aside(step, name),
        )
    )
    key = stage_key(step.workflow, request, stage="INGESTED", table=name)
    record_changes(step.history, key, landed=manifest, source=source, log=request.log)
    if request.try_number > 1:  # this try read again what earlier ones quarantined
        with step.history.write() as connection:
            supersede_quarantined(connection, quarantine_key(step, name, stage="ingest"))
    sweep_once_a_day(step.settings, log=request.log)
    return step.receipt(
        table=name,
        rows=manifest.rows,
        rows_in=manifest.rows_read,
        bytes=manifest.bytes,
        uri=manifest.uri,
        schema_hash=manifest.schema_hash,
    )


def _set_aside(step: Step, name: str) -> Callable[[DuckDBPyConnection, str], int]:
    request = step.request
    key = QuarantineKey(
        workflow=step.workflow.name,
        run_id=request.run_id,
        table=name,
        task_id=request.task_id,
        try_number=request.try_number,
        window=step.window,
        stage="ingest",
    )

    def set_aside(connection: DuckDBPyConnection, query: str) -> int:
        return quarantine_rows(step.history, step.settings.landing, key, connection=connection, query=query)

    return set_aside


def _author_rows(step: Step, name: str, *, source: PythonSource) -> Callable[[], Iterable[object]]:
    reference = source.callable or f"ingestion:{name}"

    def rows() -> Iterator[object]:
        silence_dlt()
        function = author_function(step.workflow, reference)
        with RunOutside(step) as outside:
            with author_code(step.workflow, what=reference, log=step.request.log):
                given = function(step.context(name, outside=outside), **source.options)
            # Most are generators: their code runs while we read, so their crashes come then.
            whole = given if isinstance(given, (Iterator, list, tuple)) else [given]
            batches = dlt_rows(given, reference) or iter(whole)
            while True:
                with author_code(step.workflow, what=reference, log=step.request.log):
                    try:
                        batch = next(batches)
                    except StopIteration:
                        return
                yield batch

    return rows
