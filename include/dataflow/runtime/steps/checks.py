"""Judging checks in a task: against what is loaded and this run's batch, with the outcome kept in run history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import literal, quote
from dataflow.ops.figures import Figure, earlier_figures, earlier_row_counts, record_figures
from dataflow.ops.stages import record_anomaly, record_checks
from dataflow.quality.anomaly import RHYTHM_OF, Past
from dataflow.quality.outcome import CheckOutcome
from dataflow.queries import columns_of, find_column, relation_sql
from dataflow.runtime.recording import TaskStage, stage_key
from dataflow.runtime.step import Step
from dataflow.spec.checks import Check, check_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.interval import Interval
    from dataflow.ops.history import History
    from dataflow.ops.stages import StageKey

__all__ = ["ANOMALY", "keep_outcomes", "lookup_tables", "past_of", "view_of_files"]

ANOMALY = "ANOMALY"
"""The category under which run history keeps that a figure was far from what is usual."""


def keep_outcomes(
    step: Step, table: str, *, checks: Sequence[Check], outcomes: Sequence[CheckOutcome], stage: TaskStage
) -> None:
    """Write the outcomes into run history and into the log, which shows no rows.

    Args:
        step: In which they were judged.
        table: Of what.
        checks: Of the config; their outcomes come first, in the same order.
        outcomes: What came of them, and of the author's.
        stage: Of run history.
    """
    log = step.request.log
    for outcome in outcomes:
        tell = log.info if outcome.status == "passed" else log.warning
        tell("check %s.%s: %s (%s)", table, outcome.name, outcome.status, outcome.message)
        step.request.judged(table, outcome)
        if outcome.status != "passed":
            step.request.count("check_failures", max(outcome.failures, 1), table=table, check=outcome.name)
    key = stage_key(step.workflow, step.request, stage=stage, table=table)
    record_checks(step.history, key, [outcome.to_json() for outcome in outcomes])
    judged = list(zip(checks, outcomes, strict=False))
    record_figures(step.history, key, [figure for pair in judged if (figure := _figure(*pair))])
    for check, outcome in judged:
        if check.anomaly and outcome.status in ("failed", "warned"):
            _tell_of_anomaly(step.history, key, outcome)


def past_of(history: History, key: StageKey, *, window: Interval, is_batch: bool) -> Callable[[Check], Sequence[Past]]:
    """Give what looks up the figures that an ``anomaly`` measured in earlier windows.

    Args:
        history: Run history.
        key: Of the task that judges.
        window: The run's.
        is_batch: Whether whole batches are judged: how many rows those had is known of every run, also of those that
            came before the check did.
    """

    def past(check: Check) -> Sequence[Past]:
        if check.anomaly is None:
            return ()
        limit = check.anomaly.history * RHYTHM_OF
        found = dict(
            earlier_row_counts(history, key, window=window, limit=limit)
            if is_batch and check.anomaly.metric == "row_count" and check.where is None
            else ()
        )
        name, measures = check_name(check), _measures(check)
        found |= dict(earlier_figures(history, key, name=name, measures=measures, window=window, limit=limit))
        latest = sorted(found.items(), key=lambda each: each[0].start, reverse=True)[:limit]
        return [Past(at, figure) for at, figure in latest]

    return past


def _figure(check: Check, outcome: CheckOutcome) -> Figure | None:
    if check.anomaly is None or outcome.figure is None:
        return None
    return Figure(
        name=outcome.name, measures=_measures(check), figure=outcome.figure, low=outcome.low, high=outcome.high
    )


def _measures(check: Check) -> str:
    if check.anomaly is None:
        return ""
    where = f" where {check.where}" if check.where else ""
    return f"{check.anomaly.metric}({check.anomaly.column or '*'}){where}"


def _tell_of_anomaly(history: History, key: StageKey, outcome: CheckOutcome) -> None:
    record_anomaly(
        history,
        key,
        category=ANOMALY,
        message=f"{key.table_name}.{outcome.name}: {outcome.message}",
        severity="error" if outcome.status == "failed" else "warning",
        metadata={
            "table": key.table_name,
            "check": outcome.name,
            "figure": outcome.figure,
            "low": outcome.low,
            "high": outcome.high,
        },
    )


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
