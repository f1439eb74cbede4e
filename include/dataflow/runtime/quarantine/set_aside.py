"""Rows that a check with ``on_fail: quarantine`` refused: told apart, set aside, and left out of the batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.duckdb_memory import OF_A_COPYING_THREAD, lack_of_room, open_in_memory
from dataflow.identifiers import literal, quote
from dataflow.landing.batch import write_batch
from dataflow.landing.manifest import Manifest
from dataflow.quality.judge import failing_rows
from dataflow.quality.outcome import CheckOutcome
from dataflow.quarantine.records import QuarantineKey, QuarantineStage
from dataflow.quarantine.store import REASONS, ROW, RULES, quarantine_rows
from dataflow.runtime.step import Step
from dataflow.sensitive import Sensitive
from dataflow.spec.checks import Check

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.interval import Interval

__all__ = ["Refused", "let_mean", "numbered_rows", "open_writer", "quarantine_key", "without_refused"]

REFUSED = '"_dataflow_refused"'


class Refused:
    """Which rows of a relation each check refused; the relation has `ROW`, see `numbered_rows`."""

    def __init__(self, connection: DuckDBPyConnection, sensitive: Sensitive) -> None:
        self._connection = connection
        self._sensitive = sensitive
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {REFUSED} ({ROW} BIGINT, rule VARCHAR, reason VARCHAR)")

    def add(
        self, relation: str, check: Check, outcome: CheckOutcome, *, window: Interval, tables: Mapping[str, str]
    ) -> CheckOutcome:
        """Note the rows that fail the check; an outcome that says why, where it does not tell which they are."""
        import duckdb

        try:
            failing = failing_rows(self._connection, relation, check, window=window, tables=tables)
            self._connection.execute(
                f"INSERT INTO {REFUSED} SELECT DISTINCT {ROW}, {literal(outcome.name)}, {literal(outcome.message)} "
                f"FROM ({failing}\n) WHERE {ROW} IS NOT NULL"
            )
        except duckdb.InterruptException:
            raise
        except (duckdb.Error, ValueError) as error:
            if (lack := lack_of_room(error)) is not None:
                raise lack from None
            told = self._sensitive.told(error)
            if check.sql is not None and ROW in told:
                told = f"to quarantine rows its query has to return them whole: select {relation}.* from ..."
            return replace(outcome, status="error", message=f"could not be evaluated: {told}")
        return outcome

    def count(self) -> int:
        """Give how many rows were refused, by one check or by several."""
        found = self._connection.execute(f"SELECT count(DISTINCT {ROW}) FROM {REFUSED}").fetchone()
        return int(found[0]) if found else 0

    def numbers(self) -> set[int]:
        """Give the numbers of the rows that were refused."""
        return {number for (number,) in self._connection.execute(f"SELECT DISTINCT {ROW} FROM {REFUSED}").fetchall()}

    def write(self, file: Path, *, among: str = "true") -> None:
        """Write a row for each refused row: its number, its rules and its reasons."""
        self._connection.execute(
            f"COPY (SELECT {ROW}, list(rule ORDER BY number) AS {RULES}, list(reason ORDER BY number) AS {REASONS} "
            f"FROM (SELECT *, rowid AS number FROM {REFUSED}) WHERE {among} GROUP BY {ROW}) "
            f"TO {literal(str(file))} (FORMAT parquet)"
        )

    def hide(self, relation: str, *, rows: str) -> None:
        """Let the relation mean the rows that nobody refused, without their numbers."""
        left = (
            f"SELECT * EXCLUDE ({ROW}) FROM ({rows}) WHERE {ROW} IS NULL OR {ROW} NOT IN (SELECT {ROW} FROM {REFUSED})"
        )
        let_mean(self._connection, relation, rows=left)


def let_mean(connection: DuckDBPyConnection, relation: str, *, rows: str) -> None:
    """Let a table's name mean the rows of a query from here on."""
    connection.execute(f"CREATE OR REPLACE VIEW {quote('memory', 'main', relation)} AS {rows}")


def numbered_rows(batch: Manifest, paths: Sequence[str]) -> str:
    """Give the query for a batch's rows with their numbers as `ROW`; the same row has the same number each time."""
    parts, before = [], 0
    for part, path in zip(batch.parts, paths, strict=True):
        reader = (
            f"read_parquet({literal(str(Path(path).absolute()))}, hive_partitioning = false, file_row_number = true)"
        )
        parts.append(f"SELECT * EXCLUDE (file_row_number), file_row_number + {before} AS {ROW} FROM {reader}")
        before += part.rows
    return " UNION ALL ".join(parts)


def quarantine_key(step: Step, table: str, *, stage: QuarantineStage) -> QuarantineKey:
    """Say whose rows the task of this step quarantines."""
    request = step.request
    return QuarantineKey(
        workflow=step.workflow.name,
        run_id=request.run_id,
        table=table,
        task_id=request.task_id,
        try_number=request.try_number,
        window=step.window,
        stage=stage,
        attempt=request.attempt,
    )


def without_refused(
    step: Step,
    table: str,
    *,
    batch: Manifest,
    rows: str,
    corrected: str | None,
    elsewhere: int,
    refused: Path,
    folder: Path,
) -> Manifest:
    """Put the refused rows into quarantine, and give the new batch of the others; the old one stays as it is.

    Rows go to quarantine as they came; of those that are left some may be ``corrected``, a query in place of ``rows``.
    It leaves out those that are ``elsewhere``: so many count as cut, for they belong to another run.
    """
    with open_writer(step, folder) as connection:
        refusals = f"read_parquet({literal(str(refused))})"
        quarantine_rows(
            step.history,
            step.settings.landing,
            quarantine_key(step, table, stage="validate"),
            connection=connection,
            query=f"SELECT * EXCLUDE ({ROW}) FROM ({rows}) JOIN {refusals} USING ({ROW}) ORDER BY {ROW}",
            scratch=folder,
        )
        with write_batch(
            step.settings.landing,
            workflow=step.workflow.name,
            table=table,
            window=step.window,
            run_id=step.request.run_id,
            try_number=step.request.try_number,
            scratch=folder,
        ) as left:
            left.copy(
                connection, f"SELECT * EXCLUDE ({ROW}) FROM ({corrected or rows}) ANTI JOIN {refusals} USING ({ROW})"
            )
            return left.commit(cut_rows=batch.cut_rows + elsewhere, may=step.require_newest)


def open_writer(step: Step, folder: Path) -> DuckDBPyConnection:
    """Open a connection that may write batches. No SQL of an author's runs on it."""
    return open_in_memory(step.settings.memory, spill=folder / "spill", of_a_thread=OF_A_COPYING_THREAD)
