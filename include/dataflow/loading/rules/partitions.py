"""Partitions: a workflow that runs by another's keys counts its periods as that one does."""

from __future__ import annotations

from typing import Any

from dataflow.loading.layer import read_layer
from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.paths import WORKFLOWS, folder_of
from dataflow.spec.schedule import CronSchedule, period_of, timezone_of

__all__ = ["keys_agree"]


def keys_agree(subject: Subject, producer: str, steps: Steps) -> Findings:
    """Check that the producer's events carry the keys that start this workflow's runs, or none where it has none.

    Airflow would start no run, and say nothing.
    """
    schedule, written = subject.spec.schedule, _schedule_of(subject, producer)
    if written is None or (isinstance(schedule, CronSchedule) and schedule.partition is not None):
        return  # not known, or a problem by itself
    ours, theirs = period_of(schedule), written.get("partition")
    zone, their_zone = timezone_of(schedule), written.get("timezone", "UTC")
    if ours is None and theirs is not None:
        message = f"{producer} is partitioned, and its keys start no run of a schedule without"
        yield Finding(steps, message, f"give partition: {theirs}, and assets without cron")
    elif ours is not None and theirs is None:
        yield Finding(steps, f"{producer} is not partitioned, so nothing of it has a key", "leave `partition` out")
    elif ours != theirs:
        yield Finding(steps, f"{producer} has one partition a {theirs}", f"give partition: {theirs}")
    elif ours is not None and zone != their_zone:
        yield Finding(steps, f"{producer} counts its periods in {their_zone}", f"give timezone: {their_zone}")


def _schedule_of(subject: Subject, producer: str) -> dict[str, Any] | None:
    """Read what the producer's own file says of its schedule; None where something else may say it otherwise."""
    if any(folder_of(subject.project, producer).glob("config.*.yaml")):
        return None
    root = read_layer(subject.project, f"{WORKFLOWS.as_posix()}/{producer}/config.yaml").root
    written = root.plain() if root is not None else {}
    schedule = written.get("schedule")
    if not isinstance(schedule, (str, dict)) or "extends" in written:
        return None
    return schedule if isinstance(schedule, dict) else {}
