"""What people are told of a run: made of run history, so that each run is told of once and in the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dataflow.durations import format_duration
from dataflow.errors import InputError
from dataflow.ops.history import History, open_history
from dataflow.ops.reading import RunStory, StageRecord, anomalies_of, read_run
from dataflow.ops.stages import StageKey, record_anomaly, without_passwords
from dataflow.runtime.steps.checks import ANOMALY
from dataflow.runtime.telling.schema_changes import SCHEMA_CHANGE
from dataflow.spec.notify import Event

if TYPE_CHECKING:
    from datetime import timedelta

    from dataflow.settings import Settings

__all__ = ["LATE", "News", "news_of_end", "news_of_lateness"]

LATE = "LATE"
"""The category under which run history keeps that a run passed its deadline."""
MAX_LINES = 10
_HEADLINES: Mapping[Event, str] = {
    "success": "succeeded",
    "failure": "failed",
    "late": "is late",
    "anomaly": "succeeded with warnings",
}


@dataclass(frozen=True)
class News:
    """One message, before it is known who gets it."""

    event: Event
    workflow: str
    title: str
    owner: str
    run_id: str
    events: frozenset[Event] = frozenset()
    """Everything that it tells of: a run that ends well though checks warned is a ``success`` and an ``anomaly``.

    Where columns changed it is a ``schema`` too.
    """
    window: str = ""
    step: str = ""
    """The first task that failed."""
    category: str = ""
    message: str = ""
    details: tuple[str, ...] = ()
    """Further lines: other failed tasks, warnings, what still runs."""
    link: str = ""

    @property
    def headline(self) -> str:
        """The subject."""
        return f"{self.title} {_HEADLINES[self.event]}"

    @property
    def text(self) -> str:
        """The body, a fact a line."""
        failed_at = f"{self.step} ({self.category})" if self.step else ""
        facts = {
            "workflow": self.workflow,
            "owner": self.owner,
            "run": self.run_id,
            "window": self.window,
            "failed at": failed_at,
            "message": self.message,
        }
        lines = [f"{name}: {value}" for name, value in facts.items() if value]
        lines += [f"- {line}" for line in self.details[:MAX_LINES]]
        if len(self.details) > MAX_LINES:
            lines.append(f"- and {len(self.details) - MAX_LINES} more")
        return "\n".join([*lines, *([self.link] if self.link else [])])

    def to_json(self) -> dict[str, Any]:
        """Give what a webhook gets: the facts, and the whole message as ``text``."""
        names = ("event", "workflow", "title", "owner", "run_id", "window", "step", "category", "message", "link")
        facts = {name: getattr(self, name) for name in names}
        return {**facts, "details": list(self.details), "text": f"{self.headline}\n{self.text}"}


def news_of_end(news: News, *, settings: Settings, reason: str) -> News:
    """Fill in what run history knows of a run that ended, as `News.event` says: success or failure.

    Args:
        news: What is known already.
        settings: Where run history lies.
        reason: What the engine says of the end; told where run history knows of no failed task.
    """
    story = _story(open_history(settings.ops), news)
    since = _last_end(story)
    warnings = tuple(_warnings(story, since=since))
    news = replace(news, window=str(story.run.window or "") if story else "", events=frozenset({news.event}))
    is_odd = bool(warnings) or (news.event == "failure" and _is_odd(story, since=since))
    odd: frozenset[Event] = frozenset({"anomaly"}) if is_odd else frozenset()
    if any(row["category"] == SCHEMA_CHANGE for row in _warned(story, since=since)):
        odd |= {"schema"}
    news = replace(news, events=news.events | odd)
    if news.event == "success":
        return replace(news, event="anomaly" if warnings else "success", details=warnings)
    failures = list(_failures(story, since=since))
    if not failures:
        return replace(news, message=_masked(reason), details=warnings)
    first, *others = failures
    also = tuple(f"{each.step} failed too: {each.message}" for each in others)
    return replace(news, step=first.step, category=first.category, message=first.message, details=also + warnings)


def news_of_lateness(news: News, *, settings: Settings, deadline_id: str, within: timedelta, of: str) -> News | None:
    """Write into run history that the run is late, and give what to tell; None where that was done before."""
    history = open_history(settings.ops)
    late = anomalies_of(history, news.workflow, run_id=news.run_id, category=LATE)
    if any(row["metadata"].get("deadline") == deadline_id for row in late):
        return None
    since = "it was queued" if of == "queued" else "its window began"
    message = f"not done {format_duration(within)} after {since}"
    key = StageKey(workflow=news.workflow, run_id=news.run_id, stage="STARTED", try_number=1)
    record_anomaly(history, key, category=LATE, message=message, severity="warning", metadata={"deadline": deadline_id})
    story = _story(history, news)
    running = [stage for stage in story.stages if stage.state == "running"] if story else []
    return replace(
        news,
        event="late",
        events=frozenset({"late"}),
        window=str(story.run.window or "") if story else "",
        message=message,
        details=tuple(f"{stage.task_id} runs since {stage.began_at:%Y-%m-%d %H:%M:%S} UTC" for stage in running),
    )


@dataclass(frozen=True, slots=True)
class _Failure:
    step: str
    category: str
    message: str
    at: datetime


def _story(history: History, news: News) -> RunStory | None:
    try:
        return read_run(history, news.run_id, workflow=news.workflow)
    except InputError:  # none of its tasks came to writing
        return None


def _last_end(story: RunStory | None) -> datetime | None:
    """Give when the run ended before it was cleared; what went wrong until then was told then."""
    ends = [stage.began_at for stage in story.stages if stage.stage in ("COMPLETED", "FAILED")] if story else []
    return ends[-2] if len(ends) > 1 else None


def _failures(story: RunStory | None, *, since: datetime | None) -> Iterable[_Failure]:
    """Give each task whose last try failed, the one that failed first before the others."""
    if story is None:
        return []
    last = {stage.task_id: stage for stage in story.stages if stage.task_id}
    found: dict[str, _Failure] = {}
    for row in story.anomalies:
        step = row["task_id"]
        is_mended = step in last and last[step].state in ("succeeded", "skipped")
        if step and row["severity"] == "error" and not is_mended and _is_since(row["detected_at"], since):
            found[step] = _Failure(step, row["category"], _masked(row["message"]), row["detected_at"])
    for stage in last.values():
        if stage.state == "interrupted" and _is_since(stage.began_at, since):
            found.setdefault(stage.task_id, _lost(stage))
    return sorted(found.values(), key=lambda each: each.at)


def _lost(stage: StageRecord) -> _Failure:
    return _Failure(stage.task_id, "WORKFLOW_FAILURE", stage.message, stage.began_at)


def _warnings(story: RunStory | None, *, since: datetime | None) -> Iterator[str]:
    if story is None:
        return
    newest = {row["task_id"]: row["try_number"] for row in story.checks}
    for row in story.checks:
        is_last = row["try_number"] == newest[row["task_id"]]
        # What could not be judged is told too, where it does not fail the task.
        is_warning = row["status"] == "warned" or (row["status"] == "error" and row["on_fail"] == "warn")
        if is_warning and is_last and _is_since(row["checked_at"], since):
            yield f"{row['table_name']}.{row['name']}: {_masked(row['message'])}"
    for row in _warned(story, since=since):
        yield f"{row['task_id']} ({row['category']}): {_masked(row['message'])}"


def _warned(story: RunStory | None, *, since: datetime | None) -> Iterator[dict[str, Any]]:
    # An anomaly that warns is a check that warns, and is told as one.
    for row in story.anomalies if story else ():
        if (
            row["severity"] == "warning"
            and row["category"] not in (LATE, ANOMALY)
            and _is_since(row["detected_at"], since)
        ):
            yield row


def _is_odd(story: RunStory | None, *, since: datetime | None) -> bool:
    """Tell whether an ``anomaly`` check failed the run."""
    found = story.anomalies if story else ()
    return any(row["category"] == ANOMALY and _is_since(row["detected_at"], since) for row in found)


def _is_since(moment: datetime, since: datetime | None) -> bool:
    return since is None or moment > since


def _masked(text: Any) -> str:
    return without_passwords(" ".join(str(text).split()))
