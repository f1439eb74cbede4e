"""Where data comes from: what each type of source needs beyond the shape of its keys."""

from __future__ import annotations

from dataflow.loading.rules.database import database_is_sound
from dataflow.loading.rules.schedule import workflow_exists
from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.spec.reader_options import option_problem
from dataflow.spec.schedule import period_of
from dataflow.spec.sources import AnySource, DatabaseSource, FileSource, PublishedSource

__all__ = ["sources_are_sound"]


def sources_are_sound(subject: Subject) -> Findings:
    """Check files, databases and what other workflows publish."""
    for name, source in subject.spec.sources.items():
        steps: Steps = ("sources", name)
        if isinstance(source, FileSource):
            if not source.columns and source.format != "parquet":
                message = f"required, for {source.format} does not say its types"
                yield Finding((*steps, "columns"), message, "name each column with its DuckDB type")
            yield from _reads_what_it_can(subject, source, source.path, (*steps, "path"))
            for option in source.options:
                message, _, hint = option_problem(source.format, option).partition("; ")
                if message:
                    yield Finding((*steps, "options", option), message, hint, on_key=True)
        elif isinstance(source, DatabaseSource):
            yield from database_is_sound(source, steps)
            yield from _reads_what_it_can(subject, source, source.query or "", (*steps, "query"))
        elif isinstance(source, PublishedSource):
            workflow = source.table.split(".")[0]
            if workflow == subject.spec.name:
                yield Finding((*steps, "table"), "this is the workflow itself", "read its tables in `transform`")
            else:
                yield from workflow_exists(subject, workflow, (*steps, "table"))


def _reads_what_it_can(subject: Subject, source: AnySource, text: str, place: Steps) -> Findings:
    """Check that a template names the span that its source reads."""
    if "{{" not in text:
        return
    is_partitioned = period_of(subject.spec.schedule) is not None
    if source.incremental is not None and "window." in text:
        yield Finding(place, "an incremental source reads a range, not the window", "write cursor. for window.")
    if source.incremental is None and "cursor." in text:
        yield Finding(place, "there is no cursor without `incremental`", "write window. for cursor.")
    if "partition_key" in text and not is_partitioned:
        yield Finding(place, "there is no partition_key without a partitioned schedule", "give schedule.partition")
