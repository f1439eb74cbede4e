"""Whole runs on the files of the workflow, against sums made from them with the standard library alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data"
VOLUMES = "select strftime(week_start, '%Y-%m-%d'), symbol, firms, trades, shares from weekly_volumes order by all"


def volumes_of(*fridays: str) -> list[tuple[str, str, int, int, int]]:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for friday in fridays:
        with (DATA / f"weekly_t1_{friday}.txt").open(newline="") as file:
            for row in csv.DictReader(file, delimiter="|"):
                of_symbol = sums[row["weekStartDate"], row["issueSymbolIdentifier"]]
                of_symbol[0] += 1
                of_symbol[1] += int(row["totalWeeklyTradeCount"])
                of_symbol[2] += int(row["totalWeeklyShareQuantity"])
    return sorted((week, symbol, *counted) for (week, symbol), counted in sums.items())  # type: ignore[misc]


def test_a_week_is_summed_up_by_symbol(house: Any) -> None:
    house.run("otc_transparency")

    assert volumes_of("2025-01-10") == house.query("otc_transparency", VOLUMES)


def test_a_week_that_is_run_again_changes_nothing(house: Any) -> None:
    house.run("otc_transparency")

    assert volumes_of("2025-01-10") == house.query("otc_transparency", VOLUMES)


def test_an_earlier_week_joins_those_that_are_there_also_when_all_is_made_anew(house: Any) -> None:
    house.run("otc_transparency", params={"week_ending": "2025-01-03"})
    both = volumes_of("2025-01-03", "2025-01-10")
    assert both == house.query("otc_transparency", VOLUMES)

    house.run("otc_transparency", params={"week_ending": "2025-01-03", "full_refresh": True})
    assert both == house.query("otc_transparency", VOLUMES)


def test_a_week_that_was_not_delivered_as_a_whole_is_refused_and_changes_nothing(house: Any) -> None:
    before = house.query("otc_transparency", VOLUMES)

    result = house.try_run("otc_transparency", params={"week_ending": "2025-01-17"})

    assert ("failed", "enough_records", ("ingest.trades",)) == (
        result.status,
        result.failed_step,
        result.completed_steps,
    )
    story = read_run(open_history(house.settings.ops), result.run_id)
    assert ("QUALITY_GATE", "9 records, and 20 are the least") in [
        (each["category"], each["message"]) for each in story.anomalies
    ]
    assert before == house.query("otc_transparency", VOLUMES)
