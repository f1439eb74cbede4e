"""Rows that the schema_contract of a source refuses at ingest: set aside as text, unless it is known what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import quote
from dataflow.quarantine.store import ROW, quarantine_rows
from dataflow.runtime.quarantine.known_corrections import correct_known, known_corrections
from dataflow.runtime.quarantine.set_aside import quarantine_key
from dataflow.runtime.step import Step
from dataflow.sources.contract.rows import NOTHING
from dataflow.sources.request import SetAside

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["set_misfits_aside"]

MISFITS = '"_dataflow_misfits"'


def set_misfits_aside(
    step: Step, name: str, *, corrected_by: list[int]
) -> Callable[[DuckDBPyConnection, str, Mapping[str, str], Path], SetAside]:
    """Give what quarantines the rows of a query of the source's ingest, as `IngestRequest.set_aside` says.

    Rows that a replay once had corrected are left out; ``corrected_by`` gains for each of them the correction.
    """

    def set_aside(connection: DuckDBPyConnection, query: str, columns: Mapping[str, str], scratch: Path) -> SetAside:
        corrected = None
        if query != NOTHING and (known := known_corrections(step, name, stage="ingest")):
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {MISFITS} AS SELECT row_number() OVER () AS {ROW}, * FROM ({query})"
            )
            query = f"SELECT * FROM {MISFITS}"
            corrected = correct_known(
                step, name, connection, known=known, refused=query, columns=columns, folder=scratch
            )
            left = corrected.without(query) if corrected else query
            query = f"SELECT * EXCLUDE ({ROW}) FROM ({left}) ORDER BY {ROW}"
        rows = quarantine_rows(
            step.history,
            step.settings.landing,
            quarantine_key(step, name, stage="ingest"),
            connection=connection,
            query=query,
            scratch=scratch,
        )
        if corrected is None:
            return SetAside(rows)
        corrected_by.extend(corrected.by.values())
        landed = f"SELECT {', '.join(map(quote, columns))} FROM ({corrected.rows})" if corrected.by else None
        return SetAside(rows, landed, corrected.elsewhere)

    return set_aside
