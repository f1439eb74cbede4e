"""What `anomaly` catches and what it cries wolf at, over 60 days with the rhythm of a week.

    python benchmarks/anomalies.py [--seeds 100]

A table has 10,000 rows on a Monday, half on a Saturday, a third on a Sunday, and noise (its standard deviation beside
each row). Every day from the eighth on is judged against those before it, as a run would be, with the default
`history: 14, sensitivity: 3`: once as it is, and once with 60 % of its rows missing.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from datetime import UTC, datetime, timedelta

from dataflow.interval import Interval
from dataflow.quality.anomaly import Past, usual
from dataflow.spec.checks import Anomaly

WEEK = (1.0, 1.05, 0.95, 1.0, 1.1, 0.5, 0.3)
MONDAY = datetime(2025, 1, 6, tzinfo=UTC)
CHECK = Anomaly(metric="row_count")
DAYS = 60


def window(day: int) -> Interval:
    return Interval(MONDAY + timedelta(days=day), MONDAY + timedelta(days=day + 1))


def is_odd(rows: float, before: list[int]) -> bool:
    past = [Past(window(day), count) for day, count in enumerate(before)][::-1]
    found = usual(past, window(len(before)), CHECK)
    return found is not None and not (found.low or 0) <= rows <= found.high


def rows_a_day(seed: int, *, noise: float, rhythm: bool) -> list[int]:
    chance = random.Random(seed)
    return [
        round(10_000 * (WEEK[day % 7] if rhythm else 1) * math.exp(chance.gauss(0, noise) if noise else 0))
        for day in range(DAYS)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    seeds = parser.parse_args().seeds
    print(
        "| rhythm | noise | judged | false alarms | of them on Sundays | drops of 60 % missed, days 8 to 21 | later |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for rhythm in (True, False):
        for noise in (0.0, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2):
            judged = alarms = sundays = 0
            missed, drops = [0, 0], [0, 0]
            for seed in range(seeds):
                rows = rows_a_day(seed, noise=noise, rhythm=rhythm)
                for day in range(7, DAYS):
                    odd = is_odd(rows[day], rows[:day])
                    judged, alarms, sundays = judged + 1, alarms + odd, sundays + (odd and day % 7 == 6)
                    late = day >= 21
                    drops[late] += 1
                    missed[late] += not is_odd(rows[day] * 0.4, rows[:day])
            shares = " | ".join(f"{100 * missed[part] / drops[part]:.2f} %" for part in (False, True))
            told = f"{100 * alarms / judged:.2f} % | {sundays} | {shares}"
            print(f"| {'week' if rhythm else 'none'} | {noise:.0%} | {judged} | {told} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
