"""What a workflow expects of others that the others do not give: tables, and the keys of their partitions.

It is judged where all of a house are read, never by one alone: what a broken neighbour gives is not known.
"""

from __future__ import annotations

from collections.abc import Mapping

from dataflow.loading.rules.subject import Finding, Findings, Steps
from dataflow.loading.workflow import Workflow
from dataflow.near_miss import known_words
from dataflow.spec.schedule import CronSchedule, assets_of, period_of, timezone_of
from dataflow.spec.sources import PublishedSource
from dataflow.spec.tables import tables_of
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["disappointments"]


def disappointments(workflow: Workflow, others: Mapping[str, Workflow]) -> Findings:
    """Give what the workflow waits for or reads, and would never get.

    Args:
        workflow: Who expects.
        others: The healthy workflows of the house, by name.
    """
    for name, source in workflow.spec.sources.items():
        if isinstance(source, PublishedSource):
            owner, _, table = source.table.partition(".")
            if owner in others:
                yield from _has(owner, table, others[owner].published_tables, ("sources", name, "table"))
    for index, asset in enumerate(assets_of(workflow.spec.schedule)):
        kind, owner, table = asset.split("/")
        if owner in others:
            at: Steps = ("schedule", "assets", index)
            yield from _has(owner, table, _given(others[owner], kind), at)
            yield from _keys_agree(workflow.spec, others[owner].spec, at)


def _given(other: Workflow, kind: str) -> tuple[str, ...]:
    of_kind = {"raw": tuple(other.spec.sources), "staging": tables_of(other.spec)}
    return of_kind.get(kind, other.published_tables)


def _has(owner: str, table: str, given: tuple[str, ...], at: Steps) -> Findings:
    if table not in given:
        yield Finding(at, f"{owner} has no '{table}' to read", known_words(table, given, what="it has"))


def _keys_agree(spec: WorkflowSpec, producer: WorkflowSpec, at: Steps) -> Findings:
    """Check that the producer's events carry the keys that start this workflow's runs, or none where it has none.

    Airflow would start no run, and say nothing.
    """
    ours, theirs = period_of(spec.schedule), period_of(producer.schedule)
    if isinstance(spec.schedule, CronSchedule) and ours is not None:
        return  # a problem by itself
    zone, their_zone = timezone_of(spec.schedule), timezone_of(producer.schedule)
    if ours is None and theirs is not None:
        message = f"{producer.name} is partitioned, and its keys start no run of a schedule without"
        yield Finding(at, message, f"give partition: {theirs}, and assets without cron")
    elif ours is not None and theirs is None:
        yield Finding(at, f"{producer.name} is not partitioned, so nothing of it has a key", "leave `partition` out")
    elif ours != theirs:
        yield Finding(at, f"{producer.name} has one partition a {theirs}", f"give partition: {theirs}")
    elif ours is not None and zone != their_zone:
        yield Finding(at, f"{producer.name} counts its periods in {their_zone}", f"give timezone: {their_zone}")
