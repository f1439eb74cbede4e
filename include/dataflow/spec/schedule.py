"""When a workflow runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from dataflow.spec.base import Spec, Text

__all__ = [
    "PRESETS",
    "AssetSchedule",
    "CronSchedule",
    "Schedule",
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


def _kind(value: Any) -> str:
    if isinstance(value, (str, type(None))):
        return "text"
    if isinstance(value, CronSchedule) or (isinstance(value, dict) and ("cron" in value or "assets" not in value)):
        return "cron"
    return "assets"


Schedule = Annotated[
    Annotated[Text, Tag("text")] | Annotated[CronSchedule, Tag("cron")] | Annotated[AssetSchedule, Tag("assets")],
    Discriminator(_kind),
]
"""A cron or preset string, ``manual``, or a mapping."""


def cron_of(schedule: str | CronSchedule | AssetSchedule) -> str | None:
    """Give the cron expression, presets resolved; None for asset and manual schedules."""
    if isinstance(schedule, AssetSchedule) or schedule == "manual":
        return None
    text = schedule.cron if isinstance(schedule, CronSchedule) else schedule
    return PRESETS.get(text, text)


def timezone_of(schedule: str | CronSchedule | AssetSchedule) -> str:
    """Give the IANA zone in which ticks are counted."""
    return "UTC" if isinstance(schedule, str) else schedule.timezone


def period_of(schedule: str | CronSchedule | AssetSchedule) -> Period | None:
    """Give the period of its partitions; None where its runs have no keys."""
    return None if isinstance(schedule, str) else schedule.partition


def is_windowed_by_ticks(schedule: str | CronSchedule | AssetSchedule) -> bool:
    """Tell whether a run's window comes from cron ticks alone, not from where the last one ended."""
    mixed = isinstance(schedule, CronSchedule) and bool(schedule.assets)
    return cron_of(schedule) is not None and not mixed
