"""PostgreSQL is restarted, or the store refuses, in the midst of a run: retries make what a clean run makes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random, SystemRandom

import pytest

from kit.child_runs import ChildRun
from kit.moments import Aim, Moments, aims
from kit.postgres_server import Server, postgres_server
from kit.sales import Sales, differences, two_places

pytestmark = [pytest.mark.alone, pytest.mark.slow, pytest.mark.postgres]

DAYS = 2
"""In each of them the server goes away in the midst of every task, elsewhere each day."""
TRIES = 4


@pytest.fixture
def moments() -> Moments:
    return Moments()


@pytest.fixture
def server() -> Iterator[Server]:
    with postgres_server() as made:
        yield made


@pytest.fixture
def places(tmp_path: Path, server: Server, moments: Moments) -> Iterator[tuple[Sales, Sales]]:
    with two_places(tmp_path / "project", server.database, moments) as made:
        yield made


def run_clean(places: Sales, day: int, moments: Moments) -> None:
    run = ChildRun(places.project.root, places.environment, day=day)
    moments.watch(run, {})
    ended = run.wait()
    assert "success" == ended.status, ended.error


def run_with_blows(
    places: Sales, day: int, moments: Moments, left: dict[str, Aim], *, strike: Callable[[], None]
) -> int:
    """Run one day, and again what failed or was lost, as Airflow's retries do; give how often something did."""
    step, failed = "", 0
    for _ in range(len(left) * TRIES):
        run = ChildRun(places.project.root, places.environment, day=day, step=step)
        moments.watch(run, left, strike=strike)
        ended = run.wait()
        if ended.status == "success":
            return failed
        # DuckDB aborts the process where a lake's catalog goes away while its transaction is being closed: to an engine
        # the task was killed. Else all steps may have succeeded, and only run history not have been told.
        is_lost = ended.status == "killed"
        assert is_lost or ("failed", ended.kind or "TransientError") == (ended.status, "TransientError"), ended.error
        step, failed = run.now, failed + 1
    raise AssertionError(ended.error)


@pytest.mark.parametrize("who", ["PostgreSQL", "the store"])
def test_a_server_that_goes_away_in_the_midst_of_every_task_loses_and_doubles_nothing(
    tmp_path: Path, moments: Moments, server: Server, places: tuple[Sales, Sales], who: str
) -> None:
    seed = int(os.environ.get("DATAFLOW_TEST_SEED") or SystemRandom().randrange(1_000_000))
    print(f"seed {seed} (DATAFLOW_TEST_SEED)")
    clean, broken = places
    for day in range(DAYS):
        run_clean(clean, day, moments)
    strike = server.restart if who == "PostgreSQL" else moments.refuse
    plan = aims([each for each in moments.seen if (each[1] == "COMMIT") == (who == "PostgreSQL")], DAYS, Random(seed))

    failed = 0
    for day in range(DAYS):
        left = {step: each[day] for step, each in plan.items()}
        failed += run_with_blows(broken, day, moments, left, strike=strike)
    moments.settle()
    for hit in moments.hits:
        print(f"{who} went away in {hit.step} at a {hit.what}, which {'arrived' if hit.arrived else 'did not arrive'}")

    assert plan.keys() == {hit.step for hit in moments.hits}
    assert failed >= len(plan) / 2, "what was lost is not noticed"
    assert [] == differences(clean, broken, tmp_path)
    broken.assert_whole()
