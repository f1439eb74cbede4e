"""The SQL of checks: the queries that judging them runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from dataflow.quality.anomaly import usual
from dataflow.quality.judge import reads_of_checks
from dataflow.quality.rule import Judged
from dataflow.quality.rules import rule_of
from dataflow.queries import duckdb_message
from dataflow.runtime.explain.part import Part
from dataflow.runtime.explain.recording import readable
from dataflow.runtime.steps.checks import lookup_tables
from dataflow.spec.checks import check_name

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.quality.anomaly import Past
    from dataflow.runtime.explain.recording import Recorder
    from dataflow.spec.checks import Check

__all__ = ["explain_checks"]


def explain_checks(
    recorder: Recorder,
    relation: str,
    checks: Sequence[Check],
    *,
    window: Interval,
    found: Mapping[str, Sequence[str]],
    past: Callable[[Check], Sequence[Past]] = lambda _: (),
) -> tuple[Part, ...]:
    """Give each check with the query that counts its failures and the one for failing rows.

    Args:
        recorder: Where the relation is, without rows.
        relation: What is judged.
        checks: What must hold.
        window: The run's.
        found: For each table that may be looked up, the relations that hold its keys.
        past: What an ``anomaly`` measured in earlier windows, the latest first.
    """
    import duckdb

    parts = []
    for check in checks:
        recorder.take()
        wanted = {name: found.get(name, ()) for name in reads_of_checks([check])}
        lookups = lookup_tables(recorder.as_connection(), [check], found=wanted)
        looked_up = recorder.take()
        try:
            judged = Judged(recorder.as_connection(), relation, check.where, window, lookups, past(check))
            rule = rule_of(judged, check)
        except (duckdb.Error, ValueError) as error:
            parts.append(Part(check_name(check), note=f"known when it runs: {duckdb_message(error)}"))
            continue
        queries = (*looked_up, readable(rule.counts), *((readable(rule.failing),) if rule.failing else ()))
        parts.append(Part(check_name(check), queries, _compared(check, judged) or _what_then(check)))
    return tuple(parts)


def _compared(check: Check, judged: Judged) -> str:
    """Say what a figure is compared with, as far as it is known now."""
    if check.anomaly is None:
        return ""
    expected = usual(judged.past, judged.window, check.anomaly)
    if expected is None:
        return f"judged from {check.anomaly.least} completed windows on; {len(judged.past)} are known"
    return str(expected)


def _what_then(check: Check) -> str:
    if check.on_fail != "quarantine":
        return ""
    limit = "" if check.max_failures is None else f", at most {check.max_failures} of them"
    return f"rows that fail go to quarantine{limit}; other checks judge what is left"
