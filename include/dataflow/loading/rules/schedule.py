"""When a workflow runs: ticks that exist, a window that has a beginning, partitions that have one tick each."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dataflow.loading.messages import shown
from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.near_miss import did_you_mean, known_words
from dataflow.paths import folder_of
from dataflow.spec.schedule import (
    PRESETS,
    AssetSchedule,
    CronSchedule,
    FileSchedule,
    cron_of,
    is_windowed_by_ticks,
    period_of,
    timezone_of,
)
from dataflow.spec.sources import is_windowed
from dataflow.spec.waiting import bucket_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["assets_exist", "schedule_is_sound", "workflow_exists", "wrong_cron"]

ASSET_KINDS = ("raw", "staging", "warehouse")
SOONEST = timedelta(seconds=1)
TICKS_TRIED = 60
"""So many in a row show whether a cron has one tick in each period."""


def schedule_is_sound(subject: Subject) -> Findings:
    """Check cron, zone, partition, start date and the number of runs at one time."""
    spec = subject.spec
    schedule = spec.schedule
    cron = cron_of(schedule)
    if cron is not None:
        steps: Steps = ("schedule", "cron") if isinstance(schedule, CronSchedule) else ("schedule",)
        wrong = wrong_cron(cron)
        if wrong is not None:
            yield Finding(steps, *wrong)
        elif isinstance(schedule, CronSchedule) and schedule.partition is not None:
            yield from _partition_is_sound(schedule)
    elif isinstance(schedule, FileSchedule):
        yield from _place_is_sound(schedule)
    zone = timezone_of(schedule)
    if not _is_zone(zone):
        yield Finding(("schedule", "timezone"), f"{shown(zone)} is no time zone", _near_zone(zone))
    yield from _start_date_is_there(subject)
    if spec.max_active_runs > 1 and not is_windowed_by_ticks(schedule) and period_of(schedule) is None:
        message = "only a schedule of ticks alone allows more than 1"
        hint = "elsewhere a run's window begins where the one before ended"
        yield Finding(("max_active_runs",), message, hint)


def wrong_cron(cron: str) -> tuple[str, str] | None:
    """Say what is wrong with a cron expression, and how to mend it; None where it ticks."""
    if cron in PRESETS.values():
        return None
    if cron.startswith("@") or " " not in cron.strip():
        words = ["manual", *PRESETS]
        return f"{shown(cron)} is no schedule", known_words(cron, words, what="a cron expression, or one of")
    fields = len(cron.split())
    if fields != 5:
        return f"a cron expression has 5 fields, this has {fields}", "minute hour day month weekday"
    reason = _cron_error(cron)
    if not reason:
        return None
    why = reason if reason.startswith("is ") else f"is no cron expression: {reason}"
    return f"{shown(cron)} {why}", "minute hour day month weekday"


@lru_cache(maxsize=1024)
def _cron_error(cron: str) -> str:
    from croniter import croniter  # type: ignore[import-untyped]

    try:
        croniter(cron, datetime(2025, 1, 1)).get_next()  # noqa: DTZ001  # ticks of no zone
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        return str(error).partition("\n")[0].removeprefix(f"[{cron}] ")[:80]
    return ""


def _partition_is_sound(schedule: CronSchedule) -> Findings:
    if schedule.assets:
        yield Finding(("schedule", "partition"), "a partition has one tick, and assets start runs between ticks")
    elif not _has_one_tick_a_period(cron_of(schedule) or "", str(schedule.partition)):
        message = f"{shown(schedule.cron)} does not tick once each {schedule.partition}"
        yield Finding(("schedule", "partition"), message, "one tick a period, such as @daily for day")


@lru_cache(maxsize=1024)
def _has_one_tick_a_period(cron: str, period: str) -> bool:
    from croniter import croniter

    ticks = croniter(cron, datetime(2023, 12, 31, 23, 59))  # noqa: DTZ001  # ticks of no zone
    numbers = [_number_of_period(ticks.get_next(datetime), period) for _ in range(TICKS_TRIED)]
    return all(later - earlier == 1 for earlier, later in pairwise(numbers))


def _number_of_period(moment: datetime, period: str) -> int:
    day = moment.toordinal()
    month = moment.year * 12 + moment.month
    return {"hour": day * 24 + moment.hour, "day": day, "week": (day - 1) // 7, "month": month}[period]


def _place_is_sound(schedule: FileSchedule) -> Findings:
    place, at = schedule.file, ("schedule", "file")
    if "://" in place and "${" not in place and bucket_of(place) is None:
        yield Finding(at, f"{shown(place)} is no place that is watched", "a path, or s3://connection@bucket/key")
    elif place.endswith("/"):
        yield Finding(at, f"{shown(place)} is a folder", f"name files, such as {place}*")
    if schedule.poke_interval < SOONEST:
        yield Finding(("schedule", "poke_interval"), "looking takes some time", "give 1s or more, such as 1m")


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    try:
        return name == "UTC" or bool(ZoneInfo(name).key)
    except (ValueError, OSError, KeyError):
        return False


def _near_zone(name: str) -> str:
    from zoneinfo import available_timezones

    return did_you_mean(name, sorted(available_timezones())) or "an IANA name such as Europe/Berlin"


def _start_date_is_there(subject: Subject) -> Findings:
    spec = subject.spec
    if spec.start_date is not None:
        return
    if spec.schedule != "manual":
        yield Finding(("start_date",), "required with a schedule", "the first day that is run, such as 2025-01-01")
        return
    windowed = [name for name, source in spec.sources.items() if is_windowed(source)]
    if windowed:
        hint = f"the source {windowed[0]} reads a window, and the first begins at start_date"
        yield Finding(("start_date",), "required with a windowed source", hint)


def assets_exist(subject: Subject) -> Findings:
    """Check that the assets which start runs are made by another workflow."""
    schedule = subject.spec.schedule
    if not isinstance(schedule, (CronSchedule, AssetSchedule)):
        return
    for index, asset in enumerate(schedule.assets):
        kind, workflow, _ = asset.split("/")
        steps: Steps = ("schedule", "assets", index)
        if kind not in ASSET_KINDS:
            yield Finding(steps, f"no asset begins with '{kind}/'", known_words(kind, ASSET_KINDS, what="one of"))
        elif workflow == subject.spec.name:
            yield Finding(steps, "a workflow cannot wait for itself", "name an asset of another workflow")
        else:
            yield from workflow_exists(subject, workflow, steps)


def workflow_exists(subject: Subject, name: str, steps: Steps) -> Findings:
    """Check that another workflow has a folder here."""
    there: Sequence[str] = sorted(subject.workflows or ())
    if name not in there and not (folder_of(subject.project, name) / "config.yaml").exists():
        yield Finding(steps, f"there is no workflow '{name}'", known_words(name, there, what="there are"))
