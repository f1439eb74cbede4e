"""What a person gives a run on the command line: params and a window."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dataflow.errors import InputError
from dataflow.interval import Interval
from dataflow.near_miss import known_words
from dataflow.spec.params import Param
from dataflow.spec.schedule import timezone_of
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["param_values", "window_in", "window_of"]


def param_values(spec: WorkflowSpec, given: list[str]) -> dict[str, Any]:
    """Read each ``name=value``: text for a string param, JSON for any other. Whether it fits is judged by the run.

    Raises:
        InputError: for a param that does not exist, or a value that is no JSON; the text says which and why.
    """
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--param {text}: write name=value")
        if name not in spec.params:
            known = known_words(name, spec.params, what="there is") or "there is none"
            raise InputError(f"--param {name}: {spec.name} has no such param; {known}")
        values[name] = _value(text, value, spec.params[name])
    return values


def window_of(spec: WorkflowSpec, given: str | None) -> Interval | None:
    """Read ``2025-01-01`` (that day) or ``start/end``, dates and times without a zone in the schedule's.

    Raises:
        InputError: when it is neither, or ends before it starts.
    """
    return window_in(timezone_of(spec.schedule), given)


def window_in(timezone: str, given: str | None) -> Interval | None:
    """Read a window whose dates and times without a zone are in this one.

    Raises:
        InputError: when it is neither a day nor start/end, or ends before it starts.
    """
    if given is None:
        return None
    zone = ZoneInfo(timezone)
    start_text, slash, end_text = given.partition("/")
    try:
        start = _moment(start_text, zone)
        end = _moment(end_text, zone) if slash else _moment(start_text, zone, days=1)
        return Interval(start, end)
    except ValueError as error:
        raise InputError(
            f"--window {given}: {error}; write a day, 2025-01-01, or start/end, 2025-01-01/2025-02-01"
        ) from None


def _moment(text: str, zone: ZoneInfo, *, days: int = 0) -> datetime:
    if len(text) == len("2025-01-01"):
        return datetime.combine(date.fromisoformat(text) + timedelta(days=days), time(), zone).astimezone(UTC)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC) + timedelta(days=days)


def _value(given: str, text: str, param: Param) -> Any:
    if param.type == "string":
        return None if text == "null" and param.default is None else text
    try:
        return json.loads(text)
    except ValueError:
        article = "an" if param.type[0] in "aio" else "a"
        raise InputError(f"--param {given}: is not {article} {param.type}") from None
