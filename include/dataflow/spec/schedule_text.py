"""A schedule in the few words of a list."""

from __future__ import annotations

from dataflow.spec.schedule import AnySchedule, AssetSchedule, CronSchedule, FileSchedule

__all__ = ["schedule_text"]


def schedule_text(schedule: AnySchedule) -> str:
    """Say in a few words when a workflow runs."""
    if isinstance(schedule, str):
        return schedule
    if isinstance(schedule, FileSchedule):
        return f"a new file {schedule.file}"
    words = []
    if isinstance(schedule, CronSchedule):
        zone = "" if schedule.timezone == "UTC" else f" {schedule.timezone}"
        words.append(
            f"{schedule.cron}{zone}" + (f", one partition a {schedule.partition}" if schedule.partition else "")
        )
    if schedule.assets:
        keyed = isinstance(schedule, AssetSchedule) and schedule.partition is not None
        each = f", one partition a {schedule.partition}" if keyed else ""
        words.append(f" {'and' if schedule.match == 'all' else 'or'} ".join(schedule.assets) + each)
    return " or ".join(words)
