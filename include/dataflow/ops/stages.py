"""The stages of a run: what began, what ended, what the checks found, what went wrong. Nothing is ever removed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from dataflow.errors import MAX_TEXT
from dataflow.ops.history import History
from dataflow.ops.runs import here, now
from dataflow.ops.tables import anomalies, check_results, check_samples, stages
from dataflow.ops.tries import require_may_begin

__all__ = [
    "MAX_NAME",
    "Outcome",
    "StageKey",
    "StageName",
    "begin_stage",
    "end_stage",
    "has_stage",
    "insert_moment",
    "of_check",
    "open_stage",
    "record_anomaly",
    "record_checks",
    "without_passwords",
]

StageName = Literal[
    "STARTED", "INGESTED", "VALIDATED", "TRANSFORMED", "MODELLED", "PUBLISHED", "STEP", "COMPLETED", "FAILED"
]
Outcome = Literal["succeeded", "failed", "skipped"]
MAX_NAME = 250
"""Of a check's name as it is kept: one of many columns is named after them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageKey:
    """Which stage of which run, and which try of it."""

    workflow: str
    run_id: str
    stage: StageName
    try_number: int
    attempt: str | None = None
    """Which start of that try, as its engine tells them apart; of the run's own end, which start of the run."""
    task_id: str = ""
    """Empty for the run's own stages."""
    table_name: str | None = None
    domain: str | None = None
    partition_key: str | None = None
    config_hash: str | None = None


def begin_stage(history: History, key: StageKey) -> int:
    """Write that the stage began, and give the number under which its end is written.

    Raises:
        TrySuperseded: when a later try of the task began before; nothing is written then.
    """
    with history.write() as connection:
        require_may_begin(connection, key)
        return _insert(connection, key)


def end_stage(
    history: History,
    number: int,
    *,
    outcome: Outcome,
    message: str = "",
    rows_in: int | None = None,
    rows_out: int | None = None,
    size: int | None = None,
    uri: str | None = None,
) -> None:
    """Write the end of the stage, once: an end that is there stays."""
    values = {
        "ended_at": now(),
        "outcome": outcome,
        "message": without_passwords(message)[:MAX_TEXT] or None,
        "rows_in": rows_in,
        "rows_out": rows_out,
        "bytes": size,
        "uri": uri,
    }
    with history.write() as connection:
        connection.execute(sa.update(stages).where(stages.c.id == number, stages.c.ended_at.is_(None)).values(values))


def insert_moment(connection: sa.Connection, key: StageKey, *, message: str = "") -> None:
    """Write a stage that ends as it begins: STARTED, COMPLETED, FAILED. The same one twice is written once."""
    if not has_stage(connection, key):
        _insert(connection, key, ended_at=now(), outcome="succeeded", message=message[:MAX_TEXT] or None)


def has_stage(connection: sa.Connection, key: StageKey) -> bool:
    """Tell whether this try of the stage began."""
    return connection.execute(sa.select(stages.c.id).where(*_is(key)).limit(1)).first() is not None


def open_stage(history: History, key: StageKey) -> int | None:
    """Give the number of this try of the stage if it began and has no end."""
    query = sa.select(sa.func.max(stages.c.id)).where(*_is(key), stages.c.ended_at.is_(None))
    with history.read() as connection:
        found: int | None = connection.execute(query).scalar()
        return found


def record_checks(history: History, key: StageKey, outcomes: Iterable[Mapping[str, Any]]) -> None:
    """Write what the checks of a table found: for each the columns of ``core_check_results``, and a ``sample``.

    The sample's values are fit to be shown.
    """
    common = of_check(key)
    found = [(dict(outcome), {**common, "name": str(outcome["name"])[:MAX_NAME]}) for outcome in outcomes]
    samples = [{**named, "rows": sample} for row, named in found if (sample := row.pop("sample", None))]
    results = [{**row, **named, "message": _told(row["message"]), "checked_at": now()} for row, named in found]
    if results:
        with history.write() as connection:
            connection.execute(sa.insert(check_results), results)
            if samples:
                connection.execute(sa.insert(check_samples), samples)


def of_check(key: StageKey) -> dict[str, Any]:
    """Give the columns that say in which task's try, and of which table, a check was judged."""
    return {
        "workflow": key.workflow,
        "run_id": key.run_id,
        "task_id": key.task_id,
        "try_number": key.try_number,
        "attempt": key.attempt,
        "table_name": key.table_name,
    }


def _told(message: object) -> str:
    # PostgreSQL stores no NUL, and an author's message may hold anything.
    return without_passwords(str(message)).replace("\x00", "\ufffd")[:MAX_TEXT]


def record_anomaly(
    history: History,
    key: StageKey,
    *,
    category: str,
    message: str,
    severity: Literal["error", "warning", "info"] = "error",
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write what went wrong; the text is bounded, and what looks like a password is left out."""
    row = {
        "workflow": key.workflow,
        "run_id": key.run_id,
        "task_id": key.task_id,
        "try_number": key.try_number,
        "attempt": key.attempt,
        "severity": severity,
        "category": category[:63],
        "message": without_passwords(message)[:MAX_TEXT],
        "detected_at": now(),
        "metadata": dict(metadata or {}),
    }
    with history.write() as connection:
        connection.execute(sa.insert(anomalies), row)


_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")
_SECRET_VALUE = re.compile(
    r"(?i)([?&][\w.-]*(?:token|secret|password|signature|api_?key|credential)[\w.-]*=)[^&\s'\"]+"
)


def without_passwords(text: str) -> str:
    """Mask the user info of URLs and values of theirs that are named like a secret.

    Drivers like to repeat the address that they could not reach.
    """
    return _SECRET_VALUE.sub(r"\1***", _USER_INFO.sub("***@", text))


def _insert(connection: sa.Connection, key: StageKey, **ended: Any) -> int:
    values: dict[str, Any] = {name: getattr(key, name) for name in StageKey.__dataclass_fields__}
    values |= {"host": here(), "began_at": now(), **ended}
    number: int = connection.execute(sa.insert(stages).values(values).returning(stages.c.id)).scalar_one()
    return number


def _is(key: StageKey) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        stages.c.workflow == key.workflow,
        stages.c.run_id == key.run_id,
        stages.c.stage == key.stage,
        stages.c.task_id == key.task_id,
        stages.c.try_number == key.try_number,
        stages.c.attempt.is_not_distinct_from(key.attempt),
    )
