"""A sample of a source: a file in ``tests/sample`` that stands for what the source would give."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.landing.manifest import Manifest
from dataflow.runtime.receipt import StepReceipt
from dataflow.sources.ingest import IngestRequest, ingest
from dataflow.spec.sources import FileSource
from dataflow.testing.single_step import LOG

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["find_sample", "land_sample"]

FORMATS = ("csv", "ndjson", "json", "parquet")


def find_sample(workflow: Workflow, source: str) -> Path | None:
    """Give the source's sample, e.g. ``tests/sample/orders.csv``; None where there is none."""
    files = (workflow.folder / "tests" / "sample" / f"{source}.{form}" for form in FORMATS)
    return next((file for file in files if file.is_file()), None)


def land_sample(workflow: Workflow, settings: Settings, *, source: str, file: Path, window: Interval) -> StepReceipt:
    """Land the sample as the source's batch, with its columns and its cursor."""
    said = workflow.spec.sources[source]
    form = file.suffix.removeprefix(".")
    manifest: Manifest = ingest(
        IngestRequest(
            workflow=workflow.name,
            table=source,
            source=FileSource.model_validate(
                {
                    "type": "file",
                    "path": str(file),
                    "format": form,
                    "columns": said.columns,
                    "incremental": said.incremental,
                    "schema_contract": said.schema_contract,
                }
            ),
            folder=workflow.folder,
            window=window,
            cursor=window if said.incremental else None,
            run_id=f"test__{uuid.uuid4().hex}",
            try_number=1,
            settings=settings,
            log=LOG,
        )
    )
    return StepReceipt(table=source, rows=manifest.rows, uri=manifest.uri, window=window.to_json())
