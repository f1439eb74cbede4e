"""Sixty runs with the rhythm of a week, each judged against those before it: a drop is caught, a Sunday is none."""

from __future__ import annotations

import pytest

from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from dataflow.runtime.local.run import run_workflow
from kit.project import DAILY, Project
from kit.runs import day, days

pytestmark = pytest.mark.slow

DAYS, DROP, STALE, EMPTY = 60, 50, 52, 54
"""2025-01-01 is a Wednesday; so day 50 is a Thursday, 52 a Saturday, 54 a Monday."""

CONFIG = {
    **DAILY,
    "description": "Visits of a site.",
    "sources": {"visits": {"type": "python", "columns": {"id": "BIGINT", "at": "TIMESTAMPTZ", "paid": "DOUBLE"}}},
    "validate": {
        "visits": [
            {"anomaly": {"metric": "row_count"}, "on_fail": "warn", "name": "rows"},
            {"anomaly": {"metric": "null_rate", "column": "paid"}, "on_fail": "warn", "name": "nulls"},
            {"anomaly": {"metric": "sum", "column": "paid"}, "on_fail": "warn", "name": "takings"},
            {"anomaly": {"metric": "freshness", "column": "at"}, "on_fail": "warn", "name": "age"},
        ]
    },
    "steps": ["ingest", "validate"],
}
INGESTION = f"""
import random
from datetime import timedelta

WEEK = (1.0, 1.05, 0.95, 1.0, 1.1, 0.5, 0.3)

def visits(ctx):
    start = ctx.window.start
    number = start.timetuple().tm_yday - 1
    chance = random.Random(number)
    count = int(1000 * WEEK[start.weekday()] * chance.gauss(1, 0.03) * (0.4 if number == {DROP} else 1))
    newest = start + timedelta(hours=9 if number == {STALE} else 23, minutes=chance.randrange(30))
    empty = 0.5 if number == {EMPTY} else 0.02
    yield [
        {{"id": each, "at": newest - timedelta(seconds=each), "paid": None if chance.random() < empty else 10.0}}
        for each in range(count)
    ]
"""


def test_what_is_odd_on_one_of_sixty_days_is_told_and_hardly_anything_else(project: Project) -> None:
    project.write_workflow("visits", CONFIG, ingestion=INGESTION)
    history = open_history(project.settings().ops)
    told: dict[int, set[str]] = {}
    for number in range(DAYS):
        result = run_workflow(project.workflow("visits"), settings=project.settings(), window=days(number, number + 1))
        checks = read_run(history, result.run_id).checks
        assert len(checks) == 4, result.error
        told[number] = {check["name"] for check in checks if check["status"] == "warned"}
    odd = {DROP: {"rows", "takings"}, STALE: {"age"}, EMPTY: {"nulls", "takings"}}
    false = {number: names - odd.get(number, set()) for number, names in told.items()}
    missed = {number: names - told[number] for number, names in odd.items()}
    sundays = [number for number in range(DAYS) if day(number).weekday() == 6]

    alarms = sum(map(len, false.values()))
    print(f"{DAYS} runs of 4 checks: {alarms} false alarms, {sum(map(len, missed.values()))} of 5 missed")
    assert {DROP: set(), STALE: set(), EMPTY: set()} == missed
    assert [] == [number for number in sundays if told[number]]
    assert alarms <= 2, {number: names for number, names in false.items() if names}
