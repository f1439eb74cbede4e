"""Judging checks in a task: against what is loaded and this run's batch, with the outcome kept in run history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import literal, quote
from dataflow.ops.stages import record_checks
from dataflow.quality.outcome import CheckOutcome
from dataflow.queries import columns_of, find_column, relation_sql
from dataflow.runtime.recording import TaskStage, stage_key
from dataflow.runtime.step import Step
from dataflow.spec.checks import Check

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["keep_outcomes", "lookup_tables", "view_of_files"]


def keep_outcomes(step: Step, table: str, *, outcomes: Sequence[CheckOutcome], stage: TaskStage) -> None:
    """Write the outcomes into run history and into the log, without the sample rows: those stay in the data."""
    log = step.request.log
    for outcome in outcomes:
        tell = log.info if outcome.status == "passed" else log.warning
        tell("check %s.%s: %s (%s)", table, outcome.name, outcome.status, outcome.message)
        if step.request.judged is not None:
            step.request.judged(table, outcome)
    rows = [{key: value for key, value in each.to_json().items() if key != "sample"} for each in outcomes]
    record_checks(step.history, stage_key(step.workflow, step.request, stage=stage, table=table), rows)


def lookup_tables(
    connection: DuckDBPyConnection, checks: Iterable[Check], *, found: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Make what ``relationships`` look up: for each table one view of the keys that are loaded or in the batch.

    Args:
        connection: Where the views are made.
        checks: Those that are judged next.
        found: For each table the relations that hold its rows: what is loaded, the batch; as far as there are any.
    """
    keys: dict[str, set[str]] = {}
    for check in checks:
        if check.relationships is not None:
            table, _, key = check.relationships.to.partition(".")
            keys.setdefault(table, set()).add(key)
    views = {}
    for table, wanted in keys.items():
        # A transform may have renamed the key: what has no such column has nothing to look up.
        parts = [part for each in found.get(table, ()) if (part := _select_keys(connection, each, wanted))]
        if parts:
            views[table] = f"_dataflow_known_{table}"
            union = " UNION ALL BY NAME ".join(parts)
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote(views[table])} AS {union}")
    return views


def view_of_files(connection: DuckDBPyConnection, name: str, *, file: Path) -> str:
    """Let a name mean the rows of a copy of a loaded table, without our own columns; give the name."""
    reader = f"read_parquet({literal(str(file.absolute()))}, hive_partitioning = false)"
    # Ours would meet this batch's in a join, and a join of two tables would have each twice.
    data = f"SELECT COLUMNS(c -> c NOT LIKE '!_dataflow%' ESCAPE '!') FROM {reader}"
    connection.execute(f"CREATE OR REPLACE VIEW {quote('memory', 'main', name)} AS {data}")
    return name


def _select_keys(connection: DuckDBPyConnection, relation: str, wanted: set[str]) -> str | None:
    columns = columns_of(connection, relation)
    there = [find_column(columns, key) for key in sorted(wanted) if key.lower() in {each.lower() for each in columns}]
    return f"SELECT {', '.join(quote(each) for each in there)} FROM {relation_sql(relation)}" if there else None
