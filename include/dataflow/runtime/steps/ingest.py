"""Ingest: one source's rows of this run, landed as a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from dataflow.quarantine.superseding import supersede_earlier
from dataflow.runtime.author_code.modules import author_code, author_function
from dataflow.runtime.author_code.outside import RunOutside
from dataflow.runtime.leftovers import sweep_once_a_day
from dataflow.runtime.quarantine.known_corrections import tell_of_corrected
from dataflow.runtime.quarantine.misfits import set_misfits_aside
from dataflow.runtime.quarantine.set_aside import quarantine_key
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.recording import stage_key
from dataflow.runtime.render import render_source
from dataflow.runtime.step import Step
from dataflow.runtime.telling.schema_changes import record_changes
from dataflow.sources.ingest import IngestRequest, ingest
from dataflow.sources.python.dlt_rows import dlt_rows, silence_dlt
from dataflow.spec.sources import PythonSource

__all__ = ["ingest_source"]


def ingest_source(step: Step, name: str) -> StepReceipt:
    """Read the source and land what it gave; the receipt names the batch's manifest."""
    source = step.workflow.spec.sources[name]
    request = step.request
    values = step.template_values(name)
    corrected_by: list[int] = []
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
            watch=request.watch,
            set_aside=set_misfits_aside(step, name, corrected_by=corrected_by),
            before_commit=step.require_newest,
        )
    )
    tell_of_corrected(step, name, by=corrected_by, stage="ingest")
    key = stage_key(step.workflow, request, stage="INGESTED", table=name)
    record_changes(step.history, key, landed=manifest, source=source, log=request.log)
    supersede_earlier(step.history, quarantine_key(step, name, stage="ingest"))
    sweep_once_a_day(step.settings, log=request.log)
    return step.receipt_of(
        manifest,
        table=name,
        rows_in=manifest.rows_read,
        quarantined=manifest.quarantined_rows or None,
        corrected=len(corrected_by) or None,
    )


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
