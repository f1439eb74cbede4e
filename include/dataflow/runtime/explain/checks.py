"""The SQL of checks: the queries that judging them runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dataflow.quality.judge import reads_of_checks
from dataflow.quality.rules import Judged, rule_of
from dataflow.queries import duckdb_message
from dataflow.runtime.checks import lookup_tables
from dataflow.runtime.explain.part import Part
from dataflow.runtime.explain.recording import readable
from dataflow.spec.checks import check_name

if TYPE_CHECKING:
    from dataflow.interval import Interval
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
) -> tuple[Part, ...]:
    """Give each check with the query that counts its failures and the one for failing rows.

    Args:
        recorder: Where the relation is, without rows.
        relation: What is judged.
        checks: What must hold.
        window: The run's.
        found: For each table that may be looked up, the relations that hold its keys.
    """
    import duckdb

    parts = []
    for check in checks:
        recorder.take()
        wanted = {name: found.get(name, ()) for name in reads_of_checks([check])}
        lookups = lookup_tables(recorder.as_connection(), [check], found=wanted)
        looked_up = recorder.take()
        try:
            rule = rule_of(Judged(recorder.as_connection(), relation, check.where, window, lookups), check)
        except (duckdb.Error, ValueError) as error:
            parts.append(Part(check_name(check), note=f"known when it runs: {duckdb_message(error)}"))
            continue
        queries = (*looked_up, readable(rule.counts), *((readable(rule.failing),) if rule.failing else ()))
        parts.append(Part(check_name(check), queries))
    return tuple(parts)
