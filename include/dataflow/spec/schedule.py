"""When a workflow runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from dataflow.spec.base import Duration, Spec, Text
from dataflow.spec.resolved import ReferringText

__all__ = [
    "PRESETS",
    "AnySchedule",
    "AssetSchedule",
    "CronSchedule",
    "FileSchedule",
    "Schedule",
    "assets_of",
    "cron_of",
    "is_windowed_by_ticks",
    "period_of",
    "timezone_of",
]

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}
"""Airflow's presets, as cron."""

Period = Literal["hour", "day", "week", "month"]
AssetName = Annotated[str, Field(pattern=r"^[a-z]+/[a-z][a-z0-9_]*/[a-z][a-z0-9_]*$")]


class CronSchedule(Spec):
    """One run a tick; its window is the time between the previous tick and this one."""

    cron: Text
    """Five fields, or a preset such as ``@daily``."""
    timezone: Text = "UTC"
    """An IANA name, e.g. ``Europe/Berlin``."""
    partition: Period | None = None
    """One partition a tick: its key names the period that ended at the tick."""
    assets: tuple[AssetName, ...] = ()
    """Also runs when these assets are updated."""
    match: Literal["all", "any"] = "all"
    """Whether all of ``assets`` or any of them start a run."""


class AssetSchedule(Spec):
    """A run when other workflows' data changed; its window begins where the last successful one ended."""

    assets: Annotated[tuple[AssetName, ...], Field(min_length=1)]
    """Names such as ``warehouse/shop/daily_sales``."""
    match: Literal["all", "any"] = "all"
    """Whether all of them or any of them start a run."""
    partition: Period | None = None
    """One run for each partition of theirs: its window is the period that the key names."""
    timezone: Text = "UTC"
    """The IANA zone in which the assets' periods, and ``start_date``, are counted."""


class FileSchedule(Spec):
    """A run when a file is new or rewritten; its window begins where the last successful one ended.

    Nothing is ever deleted: what was seen is kept with Airflow's asset of it.
    """

    file: ReferringText
    """A path or glob: beside the config, anywhere on the machines, or ``s3://connection@bucket/key``; ``*`` stays
    within a folder, ``**`` does not. May hold references."""
    poke_interval: Duration = timedelta(minutes=1)
    """How often to look."""
    timezone: Text = "UTC"
    """The IANA zone in which ``start_date`` is counted."""


def _kind(value: Any) -> str:
    if isinstance(value, (str, type(None))):
        return "text"
    if isinstance(value, FileSchedule) or (isinstance(value, dict) and "file" in value):
        return "file"
    if isinstance(value, CronSchedule) or (isinstance(value, dict) and ("cron" in value or "assets" not in value)):
        return "cron"
    return "assets"


Schedule = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[CronSchedule, Tag("cron")]
    | Annotated[AssetSchedule, Tag("assets")]
    | Annotated[FileSchedule, Tag("file")],
    Discriminator(_kind),
]
"""A cron or preset string, ``manual``, or a mapping."""

AnySchedule = str | CronSchedule | AssetSchedule | FileSchedule
"""What it is once it is read."""


def cron_of(schedule: AnySchedule) -> str | None:
    """Give the cron expression, presets resolved; None for schedules without ticks."""
    if isinstance(schedule, (AssetSchedule, FileSchedule)) or schedule == "manual":
        return None
    text = schedule.cron if isinstance(schedule, CronSchedule) else schedule
    return PRESETS.get(text, text)


def timezone_of(schedule: AnySchedule) -> str:
    """Give the IANA zone in which ticks are counted."""
    return "UTC" if isinstance(schedule, str) else schedule.timezone


def period_of(schedule: AnySchedule) -> Period | None:
    """Give the period of its partitions; None where its runs have no keys."""
    return None if isinstance(schedule, (str, FileSchedule)) else schedule.partition


def assets_of(schedule: AnySchedule) -> tuple[str, ...]:
    """Give the assets of other workflows that start runs."""
    return () if isinstance(schedule, (str, FileSchedule)) else schedule.assets


def is_windowed_by_ticks(schedule: AnySchedule) -> bool:
    """Tell whether a run's window comes from cron ticks alone, not from where the last one ended."""
    mixed = isinstance(schedule, CronSchedule) and bool(schedule.assets)
    return cron_of(schedule) is not None and not mixed
