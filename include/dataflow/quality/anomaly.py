"""What a figure of a run usually is, from those of earlier windows.

The method is a classical seasonal decomposition with medians for means, and its parts are chosen so that a single odd
window among the earlier ones moves nothing:

* **Rhythm.** Windows of a day are compared by weekday, shorter ones by time of day, longer ones all alike. Each
  season's level is the median of its values; freed of it, all values together give the level of now. (Hyndman and
  Athanasopoulos, *Forecasting: Principles and Practice*, 3rd ed., chapter 3: classical decomposition.)
* **Level.** The median of the last ``history`` values, freed of the rhythm. The rhythm and the spread, which change
  more slowly, are learnt from up to four times as many.
* **Spread.** The median distance between a value and the one a season before it (a Sunday and the Sunday before),
  scaled to a standard deviation: 1.4826 for the median absolute deviation (Rousseeuw and Croux, *Alternatives to the
  Median Absolute Deviation*, JASA 88, 1993), divided by the root of two, for both ends of a difference vary.
  Differences do not feel a slow trend. A few of them tell less than many, so n of them are stretched by 1 + 1/n.
* **Floor.** The spread is never taken to be less than 5 % (of a count or sum; at least one row), one percentage point
  (of a null rate), or 5 % of the window's length (of a freshness): a history that never changed is no reason to alarm
  at the first small change.
* **Verdict.** Outside of level plus or minus ``sensitivity`` times the spread, widened as a prediction is by what the
  level itself is unsure of. Counts, and sums that were never zero or less, are compared as logarithms: half is as far
  as double.

Before there are three values of a season, so that one of them may be odd, a value must be far from all earlier values
*and* from those of its own season: the second Sunday is as low as the first was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from dataflow.durations import format_duration

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.spec.checks import Anomaly

__all__ = ["RHYTHM_OF", "Past", "Usual", "shown_value", "usual"]

RHYTHM_OF = 4
"""Times ``history``: of how many windows rhythm and spread are learnt."""

_MAD = 1.4826
_DIFFERENCE = _MAD / math.sqrt(2)
_SMALLEST_SHARE = 0.05
_SMALLEST_RATE = 0.01
_ROBUST = 3
"""Values of a season, so that their median stays where it is when one of them is odd."""
_SHORT, _LONG = timedelta(hours=20), timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Past:
    """The figure of one earlier window."""

    window: Interval
    value: float


@dataclass(frozen=True, slots=True)
class Usual:
    """Between what a figure is expected."""

    low: float | None
    """None where nothing is too low: no data is too fresh."""
    high: float
    windows: int
    """With how many it is compared."""
    metric: str
    rhythm: str
    """``weekday`` or ``time of day`` where that is taken into account, else empty."""

    def __str__(self) -> str:
        least = f"{shown_value(self.low, self.metric)} to " if self.low is not None else "up to "
        by = f", by {self.rhythm}" if self.rhythm else ""
        return f"usual is {least}{shown_value(self.high, self.metric)} (of {self.windows} windows{by})"


def usual(past: Sequence[Past], window: Interval, argument: Anomaly) -> Usual | None:
    """Say between what the figure of this window is expected; None where too few windows are known.

    Args:
        past: The figures of earlier windows, the latest first; `RHYTHM_OF` times ``history`` of them are looked at.
        window: The one that is judged.
        argument: The check.
    """
    if len(past) < argument.least:
        return None
    known = sorted(past[: argument.history * RHYTHM_OF], key=lambda each: each.window.start)
    scale = _scale_of(argument, known, window)
    values = [_Value(_season(each.window), scale.into(each.value)) for each in known]
    season = _season(window)
    same = [each.value for each in values if each.season == season]
    if len(same) >= _ROBUST or season is None:
        low, high = _with_rhythm(values, season, argument, scale)
    else:
        low, high = _without_rhythm(values, same, argument, scale)
    rhythm = "" if season is None or not same else "time of day" if window.end - window.start < _SHORT else "weekday"
    return Usual(
        low=None if argument.metric == "freshness" else scale.back(low),
        high=scale.back(high),
        windows=min(len(known), argument.history),
        metric=argument.metric,
        rhythm=rhythm,
    )


def shown_value(value: float, metric: str) -> str:
    """Give a figure as messages tell it."""
    if metric == "row_count":
        return f"{round(value)} rows"
    if metric == "null_rate":
        return f"{value * 100:.3g} %"
    if metric == "freshness":
        return format_duration(timedelta(seconds=max(round(value), 0)))
    return f"{value:.6g}"


@dataclass(frozen=True, slots=True)
class _Value:
    season: int | None
    value: float


@dataclass(frozen=True, slots=True)
class _Scale:
    """How far figures are from each other: into the numbers that are compared, and back."""

    into: Callable[[float], float]
    back: Callable[[float], float]
    floor: Callable[[float], float]
    """The least spread, at a level."""


def _scale_of(argument: Anomaly, known: Sequence[Past], window: Interval) -> _Scale:
    if argument.metric == "row_count":
        # One more row than zero, so that zero has a logarithm.
        return _Scale(math.log1p, lambda x: max(_exp(x) - 1, 0.0), lambda level: max(_SMALLEST_SHARE, 1 / _exp(level)))
    if argument.metric == "sum":
        if all(each.value > 0 for each in known):
            return _Scale(math.log, _exp, lambda _: _SMALLEST_SHARE)
        typical = median(abs(each.value) for each in known)
        return _Scale(float, float, lambda level: _SMALLEST_SHARE * max(abs(level), typical))
    if argument.metric == "null_rate":
        return _Scale(float, lambda rate: min(max(rate, 0.0), 1.0), lambda _: _SMALLEST_RATE)
    share_of_window = _SMALLEST_SHARE * (window.end - window.start).total_seconds()
    return _Scale(float, float, lambda _: max(share_of_window, 60.0))


def _exp(value: float) -> float:
    return math.exp(min(value, 700.0))


def _season(window: Interval) -> int | None:
    """Give what a window has in common with those that it is like."""
    length = window.end - window.start
    if length < _SHORT:
        return window.start.hour * 60 + window.start.minute
    # By its middle: a day of Berlin begins in UTC on the day before.
    return (window.start + length / 2).weekday() if length <= _LONG else None


def _with_rhythm(values: Sequence[_Value], season: int | None, argument: Anomaly, scale: _Scale) -> tuple[float, float]:
    by_season: dict[int | None, list[float]] = {}
    differences = []
    for each in values:
        before = by_season.setdefault(each.season, [])
        if before:
            differences.append(abs(each.value - before[-1]))
        before.append(each.value)
    levels = {name: median(found) for name, found in by_season.items()}
    middle = median(levels.values())
    freed = [each.value - levels[each.season] + middle for each in values[-argument.history :]]
    level = median(freed) + levels[season] - middle
    spread = _DIFFERENCE * median(differences) * (1 + 1 / len(differences))
    unsure = math.sqrt(1 + 1 / len(by_season[season]) + 1 / len(freed))
    reach = argument.sensitivity * max(spread, scale.floor(level)) * unsure
    return level - reach, level + reach


def _without_rhythm(
    values: Sequence[_Value], same: Sequence[float], argument: Anomaly, scale: _Scale
) -> tuple[float, float]:
    """Compare with all values, and with each one of the season: what is near to any is usual."""
    found = [each.value for each in values]
    level = median(found)
    spread = _MAD * median(abs(value - level) for value in found)
    ends = []
    for about, unsure in ((level, 1 + 1 / len(found)), *((value, 2.0) for value in same)):
        reach = argument.sensitivity * max(spread, scale.floor(about)) * math.sqrt(unsure)
        ends += [about - reach, about + reach]
    return min(ends), max(ends)
