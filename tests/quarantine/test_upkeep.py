"""The upkeep closes rows in quarantine that a later run read again, and nothing that somebody may still need."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from dataflow.maintenance.chores import do_chore
from dataflow.ops.runs import now
from dataflow.ops.tables import quarantine, runs
from dataflow.quarantine.records import list_quarantined
from dataflow.runtime.local.resume import resume_from
from dataflow.runtime.local.run import run_workflow
from kit.runs import days
from kit.shop import POSITIVE, Shop

DATED = "order_id,status,amount,at\n1,new,-5,2025-01-01T20:00\n2,new,-2,2025-01-02T20:00\n3,new,3,2025-01-03T20:00\n"
DAILY = {"incremental": {"cursor": "at"}, "schedule": "@daily"}
WINDOWED = {
    "sources": {"orders": {"type": "mock", "rows": 4, "columns": {"order_id": "BIGINT", "amount": "INTEGER"}}},
    "schedule": "@daily",
}
REFUSED = {"range": {"column": "order_id", "max": 0}, "on_fail": "quarantine"}


@pytest.fixture
def shop(shop_anywhere: Shop) -> Shop:
    return shop_anywhere


def upkeep(shop: Shop, *, dry_run: bool = False) -> list[str]:
    return list(do_chore("quarantine", shop.settings, dry_run=dry_run).told)


def waiting(shop: Shop) -> list[int]:
    return sorted(record.id for record in shop.records())


def test_of_a_source_that_is_read_whole_each_day_only_the_last_runs_record_waits(shop: Shop):
    shop.write(POSITIVE)
    *_, last = [shop.run() for _ in range(3)]

    told = ["2 records of shop closed, for a later run read their rows again"]
    assert told == upkeep(shop, dry_run=True)
    assert [1, 2, 3] == waiting(shop)
    assert told == upkeep(shop)

    assert [3] == waiting(shop)
    closed = [each for each in list_quarantined(shop.history, only_open=False) if not each.is_open]
    assert {last.run_id} == {each.superseded_by for each in closed}
    assert [] == upkeep(shop)


def test_what_was_closed_is_deleted_when_the_retention_is_over_however_old_it_was_then(shop: Shop):
    shop.write(POSITIVE)
    shop.run()
    shop.run()
    age(shop, "quarantined_at")

    assert 1 == len(upkeep(shop))
    assert 2 == len(list_quarantined(shop.history, only_open=False))

    age(shop, "superseded_at")

    assert ["1 records of quarantine that are over"] == upkeep(shop)
    assert [2] == waiting(shop)


def age(shop: Shop, column: str) -> None:
    """Let what happened to every record have happened long ago."""
    with shop.history.write() as connection:
        found = {row.id: row[1] for row in connection.execute(sa.select(quarantine.c.id, quarantine.c[column]))}
        for number, moment in found.items():
            if moment is not None:
                earlier = {column: moment - timedelta(days=1_000)}
                connection.execute(sa.update(quarantine).where(quarantine.c.id == number).values(earlier))


def test_a_window_is_read_again_only_by_a_run_that_covers_it(shop: Shop):
    shop.write(REFUSED, config=WINDOWED)
    for window in (days(0, 1), days(1, 2), days(2, 3)):
        shop.run(window=window)

    assert [] == upkeep(shop)

    again = shop.run(window=days(0, 2))
    upkeep(shop)

    assert [3, 4] == waiting(shop)
    closed = [each for each in list_quarantined(shop.history, only_open=False) if not each.is_open]
    assert {again.run_id} == {each.superseded_by for each in closed}


def test_of_an_incremental_source_a_part_that_was_not_read_again_keeps_the_record(shop: Shop):
    shop.write(POSITIVE, orders=DATED, config=DAILY)
    shop.run(window=days(0, 2))
    shop.run(window=days(1, 2))

    assert [] == upkeep(shop)

    shop.run(window=days(0, 1))

    assert ["1 records of shop closed, for a later run read their rows again"] == upkeep(shop)
    assert [2, 3] == waiting(shop)


def test_a_later_run_that_loaded_and_then_failed_closes_nothing(shop: Shop):
    shop.run(POSITIVE)
    shop.run(POSITIVE, config={"steps": ["ingest", "validate", "transform", {"gate": "no"}, "publish"]}, steps=GATE)

    assert [] == upkeep(shop)
    assert [1, 2] == waiting(shop)


GATE = "from dataflow import StepResult\ndef no(ctx):\n    return StepResult.fail('no')\n"


def test_a_config_that_changed_closes_nothing_before_a_run_read_with_it(shop: Shop):
    shop.write(REFUSED, config={**WINDOWED, "load": {"orders": {"mode": "append"}}})
    for window in (days(0, 1), days(1, 2)):
        shop.run(window=window)
    shop.write(POSITIVE)  # no longer windowed: every later run seems to have read everything

    assert [] == upkeep(shop)

    shop.run()

    assert ["2 records of shop closed, for a later run read their rows again"] == upkeep(shop)


def test_what_somebody_corrected_and_what_failed_again_so_waits_on(shop: Shop):
    shop.run(POSITIVE)
    shop.replay(corrected="_dataflow_row,status,amount\n1,paid,-4\n2,paid,1\n")
    shop.run()

    assert [] == upkeep(shop)
    assert {2, 3} == {record.id for record in shop.records()}
    assert [1] == [record.from_id for record in shop.records() if record.from_id]


def test_what_is_being_replayed_is_left_alone(shop: Shop):
    first = shop.run(POSITIVE)
    shop.run()
    with shop.history.write() as connection:
        row = dict(connection.execute(sa.select(runs).where(runs.c.run_id == first.run_id)).mappings().one())
        row |= {"run_id": "replay__1", "kind": "replay", "replay_of": first.run_id, "status": "OPEN"}
        connection.execute(sa.insert(runs).values(row))

    assert [] == upkeep(shop, dry_run=True)
    assert [] == upkeep(shop)
    assert [1, 2] == waiting(shop)


def test_records_of_a_workflow_that_is_broken_wait(shop: Shop):
    shop.run(POSITIVE)
    shop.run()
    (shop.project.folder("shop") / "config.yaml").write_text("description: [")

    assert [] == upkeep(shop)
    assert [1, 2] == waiting(shop)


@pytest.mark.parametrize(("step", "waits"), [("transform", [1, 2]), ("validate", [2, 3])])
def test_a_run_that_is_cleared_and_loads_again_has_its_rows_wait_again(shop: Shop, step: str, waits: list[int]):
    shop.write(POSITIVE, orders=DATED, config={**DAILY, "load": {"orders": {"mode": "append"}}})
    first = shop.run(window=days(0, 1))
    shop.run(window=days(0, 1))
    upkeep(shop)
    assert [2] == waiting(shop)

    clear(shop, first.run_id, step=step)

    assert waits == waiting(shop)
    told = upkeep(shop)
    assert ["1 records of shop closed, for a later run read their rows again"] == told
    assert [waits[0] if step == "transform" else waits[1]] == waiting(shop)


def clear(shop: Shop, run_id: str, *, step: str) -> None:
    """Run a run again from a step on, whichever run is the newest."""
    workflow = shop.project.workflow("shop")
    with shop.history.write() as connection:
        moved = runs.c.run_id == run_id
        connection.execute(sa.update(runs).where(moved).values(created_at=now() + timedelta(seconds=1)))
    earlier = resume_from(shop.history, workflow, step=step, window=None)
    assert run_id == earlier.run_id
    run_workflow(workflow, settings=shop.settings, earlier=earlier)
