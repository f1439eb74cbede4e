"""The tables of run history, for SQLite and PostgreSQL alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

__all__ = [
    "METADATA",
    "anomalies",
    "check_results",
    "check_samples",
    "corrections",
    "figures",
    "quarantine",
    "replays",
    "runs",
    "stages",
]

METADATA = sa.MetaData()


class Moment(sa.types.TypeDecorator[datetime]):
    """A moment in UTC; SQLite, which knows no zones, stores it without one."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give the database the moment in UTC."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give the moment its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _of_run() -> list[sa.Column[Any]]:
    return [sa.Column("workflow", sa.String(63), nullable=False), sa.Column("run_id", sa.String(250), nullable=False)]


def _of_try() -> list[sa.Column[Any]]:
    task = sa.Column("task_id", sa.String(250), nullable=False)
    return [*_of_run(), task, sa.Column("try_number", sa.Integer, nullable=False), _attempt()]


def _attempt() -> sa.Column[Any]:
    return sa.Column("attempt", sa.String(36))  # of the engine: grows from each start of a task to the next


def _of_check() -> list[sa.Column[Any]]:
    table = sa.Column("table_name", sa.String(250), nullable=False)
    return [*_of_try(), table, sa.Column("name", sa.String(250), nullable=False)]


runs = sa.Table(
    "core_runs",
    METADATA,
    *_of_run(),
    sa.Column("domain", sa.String(250)),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("engine", sa.String(16), nullable=False),  # airflow | local
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer),  # of a local run
    sa.Column("partition_key", sa.String(250)),
    sa.Column("window_from", sa.String(16), nullable=False),  # ticks | partition | last_run | given
    sa.Column("window_start", Moment),  # both null when the run was superseded before it had a window
    sa.Column("window_end", Moment),
    sa.Column("ranges", sa.JSON, nullable=False),  # source -> {start, end}
    sa.Column("status", sa.String(16), nullable=False),  # OPEN | COMPLETED | FAILED | SUPERSEDED
    sa.Column("reason", sa.Text),
    sa.Column("superseded_by", sa.String(250)),
    sa.Column("config_hash", sa.String(64)),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("completed_at", Moment),  # the first time that it completed; a rerun that fails does not undo that
    sa.Column("replay_of", sa.String(250)),  # of a replay: the run whose rows it puts back
    sa.PrimaryKeyConstraint("workflow", "run_id"),
    sa.Index("core_runs_by_status", "workflow", "status"),
    sa.Index("core_runs_by_completion", "workflow", "completed_at"),
)
"""One row a run: its window and the ranges that it reads, fixed once."""

stages = sa.Table(
    "core_manifest",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    *_of_run(),
    sa.Column("domain", sa.String(250)),
    sa.Column("partition_key", sa.String(250)),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("task_id", sa.String(250), nullable=False),  # empty for the run's own: STARTED, COMPLETED, FAILED
    sa.Column("table_name", sa.String(250)),
    sa.Column("try_number", sa.Integer, nullable=False),
    _attempt(),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("began_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("outcome", sa.String(16)),  # succeeded | failed | skipped
    sa.Column("message", sa.Text),
    sa.Column("rows_in", sa.BigInteger),
    sa.Column("rows_out", sa.BigInteger),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("uri", sa.Text),
    sa.Column("config_hash", sa.String(64)),
    sa.Index("core_manifest_by_run", "workflow", "run_id"),
)
"""One row for each time that a stage began; its end is written into it once, nothing is ever removed."""

check_results = sa.Table(
    "core_check_results",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    *_of_check(),
    sa.Column("kind", sa.String(63), nullable=False),
    sa.Column("columns", sa.JSON, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),  # passed | failed | warned | error
    sa.Column("on_fail", sa.String(16), nullable=False),
    sa.Column("failures", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("checked_at", Moment, nullable=False),
    sa.Index("core_check_results_by_run", "workflow", "run_id"),
)
"""What each check of each try found."""

check_samples = sa.Table(
    "core_check_samples",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    *_of_check(),
    sa.Column("rows", sa.JSON, nullable=False),
    sa.Index("core_check_samples_by_run", "workflow", "run_id"),
)
"""A few rows that a check refused, sensitive columns masked; apart, so that they can be deleted."""

figures = sa.Table(
    "core_figures",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    *_of_check(),
    sa.Column("measures", sa.Text, nullable=False),  # what exactly: another column or `where` begins anew
    sa.Column("figure", sa.Double, nullable=False),
    sa.Column("low", sa.Double),  # between what it was expected, as far as that was known
    sa.Column("high", sa.Double),
    sa.Column("measured_at", Moment, nullable=False),
    sa.Index("core_figures_by_check", "workflow", "task_id", "name"),
    sa.Index("core_figures_by_run", "workflow", "run_id"),
)
"""What ``anomaly`` checks measured, whatever came of it; it counts once its run has completed."""

anomalies = sa.Table(
    "core_anomalies",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    *_of_try(),
    sa.Column("severity", sa.String(16), nullable=False),  # error | warning | info
    sa.Column("category", sa.String(63), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("detected_at", Moment, nullable=False),
    sa.Column("metadata", sa.JSON, nullable=False),
    sa.Index("core_anomalies_by_run", "workflow", "run_id"),
)
"""What went wrong, under the category that the error carries."""

quarantine = sa.Table(
    "core_quarantine",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    *_of_run(),
    sa.Column("table_name", sa.String(250), nullable=False),
    sa.Column("check_name", sa.String(250), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("quarantined_at", Moment, nullable=False),
    sa.Column("replayed_by", sa.String(250)),
    sa.Column("stage", sa.String(16)),  # ingest | validate
    sa.Column("task_id", sa.String(250)),
    sa.Column("try_number", sa.Integer),
    _attempt(),
    sa.Column("window_start", Moment),
    sa.Column("window_end", Moment),
    sa.Column("reasons", sa.JSON),  # rule -> {reason, rows}
    sa.Column("from_id", sa.Integer),  # the record that was replayed when these rows failed again
    sa.Column("superseded_by", sa.String(250)),  # what judged these rows anew
    sa.Column("superseded_at", Moment),  # when another run was found to have done so; null where its own run did
    sa.Index("core_quarantine_by_run", "workflow", "run_id"),
)
"""Rows that were left out, why, and where they lie."""

replays = sa.Table(
    "core_replays",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    *_of_run(),  # the run whose rows they are
    sa.Column("table_name", sa.String(250), nullable=False),
    sa.Column("quarantine_id", sa.Integer, nullable=False),
    sa.Column("replayed_by", sa.String(250), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("base_uri", sa.Text, nullable=False),  # of the batch that the run's own task left
    sa.Column("uri", sa.Text, nullable=False),  # of the batch that stands for it since
    sa.Column("replayed_at", Moment, nullable=False),
    sa.Index("core_replays_by_run", "workflow", "run_id"),
)
"""Batches that were put together again with rows from quarantine."""

corrections = sa.Table(
    "core_corrections",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    *_of_run(),  # the run whose rows they were
    sa.Column("table_name", sa.String(250), nullable=False),
    sa.Column("stage", sa.String(16), nullable=False),  # ingest | validate
    sa.Column("window_start", Moment, nullable=False),
    sa.Column("window_end", Moment, nullable=False),
    sa.Column("quarantine_id", sa.Integer, nullable=False),
    sa.Column("replayed_by", sa.String(250), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("used_at", Moment),  # when a run last came upon such rows
    sa.Column("used_by", sa.String(250)),
    sa.Column("forgotten_at", Moment),
    sa.Index("core_corrections_by_table", "workflow", "table_name"),
)
"""What replays made of bad rows, for runs that read the very same rows again; the values lie beside quarantine's."""
