"""Processes killed while they write to S3 and PostgreSQL, at every stage: retries make what a clean run makes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random, SystemRandom

import pytest

from kit.child_runs import ChildRun
from kit.databases import postgres_database
from kit.moments import Aim, Hit, Moments, aims
from kit.sales import Sales, differences, two_places

pytestmark = [pytest.mark.alone, pytest.mark.slow, pytest.mark.postgres]

DAYS = 4
"""Of each of them every task is killed once, elsewhere each day."""
STEPS = {"ingest.sales", "ingest.visits", "validate.visits", "transform.sales", "transform.visits", "dbt", "publish"}


@pytest.fixture
def moments() -> Moments:
    return Moments()


@pytest.fixture
def places(tmp_path: Path, moments: Moments) -> Iterator[tuple[Sales, Sales]]:
    with postgres_database() as database, two_places(tmp_path / "project", database, moments) as made:
        yield made


def run_until_it_is_done(places: Sales, day: int, moments: Moments, aims: dict[str, Aim]) -> None:
    """Run one day; whoever is killed goes on from the task in which it was, as Airflow's retries do."""
    step, status = "", "killed"
    while status == "killed":
        run = ChildRun(places.project.root, places.environment, day=day, step=step)
        moments.watch(run, aims)
        ended = run.wait()
        step, status = run.now, ended.status
    assert "success" == status, ended.error


def test_runs_killed_at_every_stage_leave_what_clean_runs_leave(
    tmp_path: Path, moments: Moments, places: tuple[Sales, Sales]
) -> None:
    seed = int(os.environ.get("DATAFLOW_TEST_SEED") or SystemRandom().randrange(1_000_000))
    print(f"seed {seed} (DATAFLOW_TEST_SEED)")
    clean, killed = places
    for day in range(DAYS):
        run_until_it_is_done(clean, day, moments, {})
    plan = aims(moments.seen, DAYS, Random(seed))
    assert STEPS == plan.keys()

    missed = 0
    for day in range(DAYS):
        left = {step: of_step[day] for step, of_step in plan.items()}
        run_until_it_is_done(killed, day, moments, left)
        missed += len(left)
        clean.assert_whole()
    tell(moments.hits)

    assert missed <= DAYS, "a run of another day has other moments, but not that many"
    assert {(step, arrived) for step in STEPS for arrived in (True, False)} == {
        (hit.step, hit.arrived) for hit in moments.hits
    }
    assert [] == differences(clean, killed, tmp_path)
    killed.assert_whole()


def tell(hits: list[Hit]) -> None:
    for (step, what, arrived), count in sorted(Counter((hit.step, hit.what, hit.arrived) for hit in hits).items()):
        print(f"{step}: killed {count} times at {what}, which {'arrived' if arrived else 'did not arrive'}")
