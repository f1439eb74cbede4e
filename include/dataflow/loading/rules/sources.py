"""Where data comes from: what each type of source needs beyond the shape of its keys."""

from __future__ import annotations

from dataflow.loading.messages import shown
from dataflow.loading.rules.database import database_is_sound
from dataflow.loading.rules.schedule import workflow_exists
from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.s3.place import S3Place, is_s3
from dataflow.spec.reader_options import option_problem
from dataflow.spec.reader_values import faults_of_values
from dataflow.spec.resolved import resolved_texts
from dataflow.spec.schedule import period_of
from dataflow.spec.sources import AnySource, ApiSource, DatabaseSource, FileSource, PublishedSource

__all__ = ["sources_are_sound"]


def sources_are_sound(subject: Subject) -> Findings:
    """Check files, databases, APIs and what other workflows publish."""
    for name, source in subject.spec.sources.items():
        steps: Steps = ("sources", name)
        yield from _templates_are_sound(subject, steps, source)
        yield from _paths_are_taken(steps, source)
        if isinstance(source, FileSource):
            if not source.columns and source.format != "parquet":
                message = f"required, for {source.format} does not say its types"
                yield Finding((*steps, "columns"), message, "name each column with its DuckDB type")
            yield from _connection_is_sound(steps, source)
            yield from _options_are_sound((*steps, "options"), source)
        elif isinstance(source, DatabaseSource):
            yield from database_is_sound(source, steps)
        elif isinstance(source, ApiSource):
            yield from _url_is_sound(steps, source)
        elif isinstance(source, PublishedSource):
            workflow = source.table.split(".")[0]
            if workflow == subject.spec.name:
                yield Finding((*steps, "table"), "this is the workflow itself", "read its tables in `transform`")
            else:
                yield from workflow_exists(subject, workflow, (*steps, "table"))


def _options_are_sound(steps: Steps, source: FileSource) -> Findings:
    faults = dict(faults_of_values(source.options))
    for option in source.options:
        message, _, hint = option_problem(source.format, option).partition("; ")
        if message:
            yield Finding((*steps, option), message, hint, on_key=True)
        elif option in faults:
            yield Finding((*steps, option), *faults[option])


def _connection_is_sound(steps: Steps, source: FileSource) -> Findings:
    """Check that a bucket is reached in one way; what begins with a reference is known in the task only."""
    path = source.path
    if is_s3(path) and "${" not in path and "{{" not in path:
        try:
            named = S3Place.parse(path).connection
        except ValueError as error:
            message, _, hint = str(error).partition("; ")
            yield Finding((*steps, "path"), message, hint)
            return
        if named and source.connection is not None:
            yield Finding((*steps, "connection"), f"`path` names the connection {named}", "leave one of them out")
    elif source.connection is not None and "://" not in path and not path.startswith("${"):
        hint = "write path: s3://bucket/..., or leave it out"
        yield Finding((*steps, "connection"), "a file of this machine is reached without one", hint)


def _templates_are_sound(subject: Subject, steps: Steps, source: AnySource) -> Findings:
    is_partitioned = period_of(subject.spec.schedule) is not None
    for inside, text in resolved_texts(source):
        if "{{" not in text:
            continue
        place: Steps = (*steps, *inside)
        if source.incremental is not None and "window." in text:
            yield Finding(place, "an incremental source reads a range, not the window", "write cursor. for window.")
        if source.incremental is None and "cursor." in text:
            yield Finding(place, "there is no cursor without `incremental`", "write window. for cursor.")
        if "partition_key" in text and not is_partitioned:
            yield Finding(place, "there is no partition_key without a partitioned schedule", "give schedule.partition")


def _paths_are_taken(steps: Steps, source: AnySource) -> Findings:
    if isinstance(source, ApiSource) or (isinstance(source, FileSource) and source.format in ("json", "ndjson")):
        return
    for name, column in source.columns.items():
        if column.path is not None:
            hint = "it points into JSON: an api, or a file of json or ndjson"
            yield Finding((*steps, "columns", name, "path"), "this source has no paths", hint, on_key=True)


def _url_is_sound(steps: Steps, source: ApiSource) -> Findings:
    if not source.url.startswith(("http://", "https://", "${", "{{")) and source.connection is None:
        yield Finding((*steps, "url"), f"{shown(source.url)} is no address", "it begins with https:// or http://")
