"""A half-open span of time in UTC: a run's window, or the range of a cursor that a run reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

__all__ = ["Interval", "in_utc"]


def in_utc(moment: datetime) -> datetime:
    """Give the same moment in UTC.

    Raises:
        ValueError: when it has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    utc = moment.astimezone(UTC)
    if type(utc) is datetime:
        return utc
    # Airflow's timetables give pendulum's datetimes, which lose a zone that is not pendulum's own when added to.
    return datetime.combine(utc.date(), utc.time(), UTC)


@dataclass(frozen=True, order=True, slots=True)
class Interval:
    """From ``start``, included, to ``end``, excluded; both in UTC; never empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", in_utc(self.start))
        object.__setattr__(self, "end", in_utc(self.end))
        if self.end <= self.start:
            raise ValueError(f"an interval ends after it starts, but {self.end} is not after {self.start}")

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def __str__(self) -> str:
        return f"{self.start.isoformat()}/{self.end.isoformat()}"

    def covers(self, other: Interval) -> bool:
        """Tell whether all of the other lies within this one."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Interval) -> bool:
        """Tell whether they share any moment."""
        return self.start < other.end and other.start < self.end

    def to_json(self) -> dict[str, str]:
        """Give both ends as ISO 8601 text."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}

    @classmethod
    def from_json(cls, value: dict[str, str]) -> Self:
        """Read what `to_json` gave."""
        return cls(datetime.fromisoformat(value["start"]), datetime.fromisoformat(value["end"]))
