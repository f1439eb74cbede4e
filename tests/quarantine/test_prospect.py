"""What a replay would do with rows of quarantine, as the list and the pages tell it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from dataflow.interval import Interval
from dataflow.runtime.quarantine.prospect import prospects_of
from kit.runs import days
from kit.shop import POSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.runtime.quarantine.prospect import Prospect
    from kit.shop import Shop

DATED = "order_id,status,amount,at\n1,new,-5,2025-01-01T20:00\n2,new,-2,2025-01-02T20:00\n3,new,3,2025-01-03T20:00\n"
DAILY = {"incremental": {"cursor": "at"}, "schedule": "@daily"}


def told(shop: Shop) -> dict[int, Prospect]:
    """Give what a replay would do with all that waits."""
    return prospects_of(shop.history, shop.records(), specs={"shop": shop.project.workflow("shop").spec})


@contextmanager
def queries() -> Iterator[list[str]]:
    """Give what is asked of databases meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_rows_are_read_again_by_the_run_that_read_them_not_by_the_last_one(shop: Shop):
    shop.write(POSITIVE, orders=DATED, config=DAILY)
    shop.run(window=days(0, 1))
    again = shop.run(window=days(0, 1))
    shop.run(window=days(1, 2))

    prospect = told(shop)[1]

    assert "read again" == prospect.state
    assert f"run {again.run_id} has read these rows again since" in prospect.told
    assert "what it set aside itself waits as 2: replay that" in prospect.told


def test_rows_of_a_run_that_loaded_nothing_yet_were_not_read_again_by_one_before_it(shop: Shop):
    shop.run(POSITIVE)
    failed = shop.run(POSITIVE, config={"transform": {"orders": [{"filter": "nowhere > 0"}]}})
    with_failed = told(shop)
    again = shop.run(POSITIVE)

    assert ["waits", "waits"] == [with_failed[number].state for number in (1, 2)]
    assert f"run {failed.run_id} has not completed (FAILED)" in with_failed[2].told
    assert ["read again", "read again", "waits"] == [told(shop)[number].state for number in (1, 2, 3)]
    assert f"run {again.run_id} has read these rows again" in told(shop)[2].told


def test_of_several_runs_of_a_window_the_last_is_said_to_have_read_its_rows_again(shop: Shop):
    windowed = {"orders": {"type": "mock", "rows": 4, "columns": {"order_id": "BIGINT", "amount": "INTEGER"}}}
    refused = {"range": {"column": "order_id", "max": 0}, "on_fail": "quarantine"}
    shop.write(refused, config={"sources": windowed, "schedule": "@daily"})
    *_, last = [shop.run(window=window) for window in (days(0, 1), days(0, 1), days(0, 2))]

    prospects = told(shop)

    assert ["waits", "read again", "read again"] == [each.state for each in prospects.values()]
    assert all(f"run {last.run_id} has read" in prospects[number].told for number in (1, 2))


def test_many_records_are_told_of_with_as_many_queries_as_one(shop: Shop):
    shop.write(POSITIVE, orders=DATED, config=DAILY)
    first, second = days(0, 1), days(1, 2)
    shop.run(window=first)
    shop.run(window=first)
    with queries() as for_two:
        assert 2 == len(told(shop))
    for window in (second, second, Interval(first.start, second.end)):
        shop.run(window=window)
    with queries() as for_five:
        assert 5 == len(told(shop))

    assert len(for_two) == len(for_five) > 0


def test_rows_of_a_workflow_that_is_broken_or_gone_wait_until_it_is_back(shop: Shop):
    shop.run(POSITIVE)

    prospect = prospects_of(shop.history, shop.records(), specs={})[1]

    assert ("waits", "shop is not there, or its config is broken: a replay is refused until it is") == (
        prospect.state,
        prospect.told,
    )
