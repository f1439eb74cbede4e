"""Keep what a replay made of bad rows, for the next run that reads the very same rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import quote
from dataflow.landing.batch import write_batch
from dataflow.landing.manifest import METADATA_PREFIX, Manifest, read_manifest
from dataflow.quarantine.fingerprint import ORIGIN, as_text, fingerprint_of_texts
from dataflow.quarantine.records import Quarantined
from dataflow.quarantine.store import AREA, ROW
from dataflow.queries import columns_of_query
from dataflow.runtime.quarantine.candidates import NUMBER, RECORD
from dataflow.runtime.quarantine.corrected_file import record_view
from dataflow.runtime.step import Step

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["write_corrections"]


def write_corrections(
    step: Step, connection: DuckDBPyConnection, record: Quarantined, *, passed: str, folder: Path
) -> Manifest | None:
    """Write what became of the record's rows that were corrected and came back; None where there is none.

    Of rows that were the same all must have become the same, and come back: else nobody knows which is which.
    """
    view = record_view(record)
    columns = columns_of_query(connection, f"SELECT * FROM {view}")
    data = {name: as_text(quote(name), kind) for name, kind in columns if not name.startswith(METADATA_PREFIX)}
    texts = ", ".join(f"{text} AS {quote(name)}" for name, text in data.items())
    now = fingerprint_of_texts(data, kinds=read_manifest(record.uri).columns)
    came_back = f"{ROW} IN (SELECT {NUMBER} FROM {passed} WHERE {RECORD} = {record.id})"
    query = (
        f"SELECT {ORIGIN}, {', '.join(f'any_value({quote(name)}) AS {quote(name)}' for name in data)} "
        f"FROM (SELECT {ORIGIN}, {ROW}, {texts}, FROM {view}) GROUP BY {ORIGIN} "
        f"HAVING bool_and({came_back}) AND count(DISTINCT {now}) = 1 AND any_value({now}) <> {ORIGIN}"
    )
    if connection.execute(f"SELECT 1 FROM ({query}) LIMIT 1").fetchone() is None:
        return None
    with write_batch(
        step.settings.landing,
        workflow=step.workflow.name,
        table=record.key.table,
        window=record.key.window,
        run_id=record.key.run_id,
        try_number=step.request.try_number,
        area=AREA,
        scratch=folder,
    ) as batch:
        batch.copy(connection, query)
        return batch.commit(current=False)
