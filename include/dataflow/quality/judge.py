"""Judge a table against its checks, failing closed."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dataflow.duckdb_memory import lack_of_room
from dataflow.quality.outcome import CheckOutcome, Status
from dataflow.quality.rule import Judged, Rule
from dataflow.quality.rules import rule_of
from dataflow.quality.sample import sample_rows
from dataflow.queries import run_single
from dataflow.sensitive import NOTHING_SENSITIVE, Sensitive
from dataflow.spec.checks import Check, check_kind, check_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from dataflow.interval import Interval
    from dataflow.quality.anomaly import Past

__all__ = ["failing_rows", "judge", "reads_of_checks"]


def judge(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    checks: Sequence[Check],
    *,
    window: Interval,
    tables: Mapping[str, str],
    past: Callable[[Check], Sequence[Past]] = lambda _: (),
    sensitive: Sensitive = NOTHING_SENSITIVE,
) -> list[CheckOutcome]:
    """Judge each check and give one outcome for each, in the same order; no check is raised for.

    Args:
        connection: Where everything named is visible; its time zone is UTC.
        relation: The table or view to judge; ``batch.orders`` is in the schema ``batch``.
        checks: What must hold.
        window: The run's; freshness is seen from its end.
        tables: For ``relationships``: logical table name to the relation that holds what is loaded plus the batch.
        past: For an ``anomaly``: what it measured in earlier windows, the latest first.
        sensitive: What no outcome may show.

    Raises:
        OutOfRoom: when memory or disk did not suffice; that is no verdict on the data.
    """
    outcomes = []
    for check in checks:
        known = past(check) if check.anomaly else ()
        judged = Judged(connection, relation, check.where, window, tables, known, sensitive)
        outcomes.append(_outcome(judged, check, sensitive))
    return outcomes


def failing_rows(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    check: Check,
    *,
    window: Interval,
    tables: Mapping[str, str],
) -> str:
    """Give the query for the rows that fail a check; of one not in `TABLE_WIDE`, with all columns of the relation.

    Raises:
        ValueError, duckdb.Error: when the check cannot be evaluated.
    """
    failing = rule_of(Judged(connection, relation, check.where, window, tables), check).failing
    if failing is None:
        raise ValueError(f"{check_kind(check)} judges the table as a whole")
    return failing


def reads_of_checks(checks: Iterable[Check]) -> frozenset[str]:
    """Give the tables that ``relationships`` look up."""
    return frozenset(check.relationships.to.split(".")[0] for check in checks if check.relationships)


def _outcome(judged: Judged, check: Check, sensitive: Sensitive) -> CheckOutcome:
    import duckdb

    try:
        rule = rule_of(judged, check)
        counted = run_single(judged.connection, rule.counts).fetchone()
        for query in rule.more_counts:
            of_part = run_single(judged.connection, query).fetchone()
            counted = tuple(sum(both) for both in zip(counted or (), of_part or (), strict=True))
    except duckdb.InterruptException:
        raise  # someone ends the task; that is no verdict on the data
    except (duckdb.Error, ValueError) as error:
        if (lack := lack_of_room(error)) is not None:
            raise lack from None
        return _unjudged(check, f"could not be evaluated: {sensitive.told(error)}")
    if counted is None or counted[1] is None:
        described = rule.describe(0, 0, counted[2:]) if counted else "the query gave no row"
        return _unjudged(check, f"could not be evaluated: {described}", rule)
    return _verdict(judged, check, rule=rule, counted=counted, sensitive=sensitive)


def _verdict(
    judged: Judged, check: Check, *, rule: Rule, counted: tuple[Any, ...], sensitive: Sensitive
) -> CheckOutcome:
    rows, failures = int(counted[0]), int(counted[1])
    message = rule.describe(rows, failures, counted[2:])
    status: Status = "passed"
    is_tolerated = rule.failing is not None and _tolerated(check, failures, rows=rows)
    if failures and check.on_fail == "quarantine":
        status = "quarantined" if is_tolerated else "failed"
        message += "" if is_tolerated else f"; at most {check.max_failures} may be quarantined"
    elif failures and is_tolerated:
        message += f"; {check.max_failures} may fail"
    elif failures:
        status = "failed" if check.on_fail == "error" else "warned"
    if not rows and status == "passed" and rule.failing is not None:
        # What holds for no row is broken by none; a condition that is misspelt would pass for ever unseen.
        message += "; there was no row to judge" + (", `where` held for none" if check.where else "")
    measured = counted[2] if check.anomaly and counted[2] is not None and math.isfinite(counted[2]) else None
    return CheckOutcome(
        name=check_name(check),
        kind=check_kind(check),
        columns=rule.columns,
        status=status,
        failures=failures,
        rows=rows,
        message=message,
        on_fail=check.on_fail,
        sample=sensitive.masked(check, _sample(judged, rule)) if failures else [],
        figure=measured,
        low=rule.low,
        high=rule.high,
    )


def _tolerated(check: Check, failures: int, *, rows: int) -> bool:
    if check.max_failures is None:
        return check.on_fail == "quarantine"
    if isinstance(check.max_failures, int):
        return failures <= check.max_failures
    # In decimals: 0.1 % of 3,000 rows is 3 rows, and not 2.9999.
    return failures * 100 <= Decimal(check.max_failures.removesuffix("%")) * rows


def _sample(judged: Judged, rule: Rule) -> list[dict[str, Any]]:
    import duckdb

    if rule.failing is None:
        return []
    try:
        return sample_rows(judged.connection, rule.failing, first=rule.columns)
    except duckdb.InterruptException:
        raise
    except (duckdb.Error, ValueError):
        return []  # the verdict stands without examples


def _unjudged(check: Check, message: str, rule: Rule | None = None) -> CheckOutcome:
    return CheckOutcome(
        name=check_name(check),
        kind=check_kind(check),
        columns=rule.columns if rule else (),
        status="error",
        failures=0,
        rows=0,
        message=message,
        on_fail=check.on_fail,
    )
